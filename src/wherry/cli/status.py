"""`wherry status`."""

from __future__ import annotations

import click

from wherry.cli.options import json_output, some_cluster, state_dir

STOPPED = 3


@click.command()
@some_cluster
@state_dir
@json_output
def status(name: str, state_dir: str | None, output: str | None) -> None:
    """Tell how a cluster is: processes, API server, nodes, pods, memory.

    The exit code is 0 while it runs and 3 when it is stopped.
    """
    from wherry.cli.clusterstatus.report import find_out
    from wherry.cli.options import chosen
    from wherry.distro.lifecycle import find

    report = find_out(find(name, state_dir) if state_dir else chosen(name))
    if output == "json":
        import json

        click.echo(json.dumps(report.as_json(), indent=2))
    else:
        for title, text in report.lines():
            click.echo(f"{title:<12} {text}")
    if report.pid is None:
        raise click.exceptions.Exit(STOPPED)
