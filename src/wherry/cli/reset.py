"""`wherry reset`."""

from __future__ import annotations

import click

from wherry.cli.options import cluster_name, state_dir


@click.command()
@cluster_name
@state_dir
def reset(name: str, state_dir: str | None) -> None:
    """Throw away every object of a cluster and start it empty; its certificates, images and port stay."""
    from wherry.cli.launch import launch
    from wherry.distro.lifecycle import find
    from wherry.distro.teardown import empty
    from wherry.distro.turn import machine_turn

    state = find(name, state_dir)
    config = state.load()
    with machine_turn():
        empty(state, config)
        seconds = launch(state, config, wait=True)
    click.echo(f"\nCluster {name} is empty and up again after {seconds:.2f} s", err=True)
