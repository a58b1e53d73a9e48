"""`wherry down`."""

from __future__ import annotations

import click

from wherry.cli.options import cluster_name, state_dir


@click.command()
@cluster_name
@state_dir
def down(name: str, state_dir: str | None) -> None:
    """Stop a cluster and remove everything it made: containers, networks, state, and its kubeconfig context."""
    from wherry.cli.progress import Steps
    from wherry.distro.config import state_directory
    from wherry.distro.teardown import remove
    from wherry.distro.turn import machine_turn

    state = state_directory(name, state_dir)
    if not state.path.exists():
        click.echo(f"There is no cluster {name}; nothing to do.", err=True)
        return
    with Steps() as steps, machine_turn():
        steps.begin(f"Removing cluster {name}")
        remove(state, name)
        steps.done(f"Cluster {name} and all that it made are gone")
    if state.foreign():
        click.echo(f"What is not Wherry's is still in {state.path}", err=True)
