"""`wherry stop`."""

from __future__ import annotations

import click

from wherry.cli.options import cluster_name, state_dir


@click.command()
@cluster_name
@state_dir
def stop(name: str, state_dir: str | None) -> None:
    """Stop a cluster and its containers; its state is kept for `wherry start`."""
    from wherry.cli.progress import Steps
    from wherry.distro.lifecycle import find
    from wherry.distro.teardown import halt
    from wherry.distro.turn import machine_turn

    state = find(name, state_dir)
    with Steps() as steps, machine_turn():
        steps.begin(f"Stopping cluster {name}")
        was_running = halt(state, state.load())
        steps.done(f"Cluster {name} {'stopped' if was_running else 'was not running'}")
