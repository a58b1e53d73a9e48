"""`wherry doctor`."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click


@click.command()
@click.option("-o", "--output", type=click.Choice(["json"]), help="Print as JSON.")
def doctor(output: str | None) -> None:
    """Tell what this machine can do, what is missing, and how to get it.

    The exit code is 0 if a cluster can run here at all, real containers or not.
    """
    from wherry.distro.config import home
    from wherry.distro.lifecycle import choose_runtime
    from wherry.distro.machine import checks

    results = checks(home())
    runtime = choose_runtime()
    if output == "json":
        import json

        click.echo(json.dumps({"runtime": runtime, "checks": [asdict(check) for check in results]}, indent=2))
    else:
        for check in results:
            mark = click.style("ok     ", fg="green") if check.ok else click.style("missing", fg="yellow")
            click.echo(f"{mark}  {check.name:<13} {check.found}")
            if not check.ok:
                click.echo(
                    f"         {'':<13} {check.remedy}" + (f" (for {check.needed_for})" if check.needed_for else "")
                )
        words = {
            "oci": "real containers, each node with its own network",
            "process": "plain processes on this machine's network",
        }
        click.echo(f"\n`wherry up` will run pods as {words[runtime]} (--runtime {runtime}).")
    if any(not check.ok and not check.needed_for for check in results):
        sys.exit(1)
