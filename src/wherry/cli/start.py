"""`wherry start`."""

from __future__ import annotations

import click

from wherry.cli.options import cluster_name, state_dir


@click.command()
@cluster_name
@state_dir
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait until the nodes are ready.")
def start(name: str, state_dir: str | None, wait: bool) -> None:
    """Start a cluster that was stopped, or that died; everything it had acknowledged is there."""
    from wherry.cli.launch import launch, merge_kubeconfig
    from wherry.distro import daemon
    from wherry.distro.lifecycle import find
    from wherry.distro.turn import machine_turn

    state = find(name, state_dir)
    config = state.load()
    if pid := daemon.running_pid(state):
        click.echo(f"Cluster {name} is running already (process {pid}) at {config.server}", err=True)
        return
    with machine_turn():
        seconds = launch(state, config, wait=wait)
    merge_kubeconfig(state)
    click.echo(f"\nCluster {name} is up after {seconds:.2f} s: {config.server}", err=True)
