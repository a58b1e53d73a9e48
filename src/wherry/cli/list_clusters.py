"""`wherry list`."""

from __future__ import annotations

import click

from wherry.cli.options import json_output


@click.command(name="list")
@json_output
def list_clusters(output: str | None) -> None:
    """List the clusters on this machine."""
    from wherry.distro import daemon
    from wherry.distro.config import ConfigError, all_state_directories

    rows = []
    for state in all_state_directories():
        try:
            config = state.load()
        except ConfigError as error:
            click.echo(f"{state.path.name}: {error}", err=True)
            continue
        pid = daemon.running_pid(state)
        rows.append(
            {
                "name": config.name,
                "status": "running" if pid else "stopped",
                "runtime": config.runtime,
                "nodes": config.nodes,
                "server": config.server,
                "context": config.context,
                "state": str(state.path.resolve()),
            }
        )
    if output == "json":
        import json

        click.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        click.echo("No clusters. `wherry up` makes one.", err=True)
        return
    columns = ("name", "status", "runtime", "nodes", "server", "context", "state")
    widths = [max(len(column), *(len(str(row[column])) for row in rows)) for column in columns]
    lines: list[list[str]] = [[column.upper() for column in columns]]
    lines += [[str(row[column]) for column in columns] for row in rows]
    for line in lines:
        click.echo("   ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip())
