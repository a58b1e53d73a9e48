"""`wherry kubeconfig`."""

from __future__ import annotations

import click

from wherry.cli.options import cluster_name, state_dir


@click.command()
@cluster_name
@state_dir
@click.option("--merge", is_flag=True, help="Merge it into your kubeconfig and make it the current context.")
def kubeconfig(name: str, state_dir: str | None, merge: bool) -> None:
    """Print a cluster's kubeconfig, or merge it into yours."""
    from wherry.distro.config import ConfigError
    from wherry.distro.lifecycle import find

    state = find(name, state_dir)
    if merge:
        from wherry.cli.launch import merge_kubeconfig

        path = merge_kubeconfig(state)
        click.echo(f"Context {state.load().context} is current in {path}", err=True)
        return
    try:
        click.echo(state.kubeconfig.read_text(), nl=False)
    except FileNotFoundError:
        raise ConfigError(f"cluster {name} has never been started: `wherry start {name}`") from None
