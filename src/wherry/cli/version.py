"""`wherry version`."""

from __future__ import annotations

import platform

import click

from wherry import KUBERNETES_VERSION, __version__


@click.command()
@click.option("-o", "--output", type=click.Choice(["json"]), help="Print as JSON.")
def version(output: str | None) -> None:
    """Show the version of Wherry, of Kubernetes and of Python."""
    facts = {"wherry": __version__, "kubernetes": KUBERNETES_VERSION, "python": platform.python_version()}
    if output == "json":
        import json

        click.echo(json.dumps(facts, indent=2))
        return
    for name, value in facts.items():
        click.echo(f"{name:<12} {value}")
