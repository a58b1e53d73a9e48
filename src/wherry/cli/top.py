"""`wherry top`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from wherry.cli.kubecommand import command
from wherry.cli.objects.options import all_namespaces, field_selector, label_selector
from wherry.cli.target import Target, target_options

if TYPE_CHECKING:
    from wherry.cli.target import Session

_KINDS = {"pods": "pods", "pod": "pods", "po": "pods", "nodes": "nodes", "node": "nodes", "no": "nodes"}


@command()
@click.argument("what", nargs=-1, required=True, metavar="pods|nodes [NAME]")
@all_namespaces
@label_selector
@field_selector
@click.option("--containers", is_flag=True, help="Each container of the pods.")
@click.option("--sum", "summed", is_flag=True, help="A last line with the sum of the pods.")
@click.option(
    "--show-capacity", is_flag=True, help="Percentages of the nodes' capacity, not of what pods may use of it."
)
@click.option("--sort-by", type=click.Choice(["cpu", "memory"]), help="The greatest first.")
@click.option("--no-headers", is_flag=True, help="Without headers.")
@target_options
def top(what: Sequence[str], *, target: Target, **options: object) -> None:
    """Show what pods or nodes use of CPU and memory.

    \b
    wherry top nodes                       every node
    wherry top pods -A --sort-by=memory    the pods of all namespaces
    wherry top pod web-0 --containers      each container of one pod
    """
    kind, *names = what
    if kind not in _KINDS or len(names) > 1:
        raise click.UsageError("say `wherry top pods [NAME]` or `wherry top nodes [NAME]`")

    async def work(session: Session) -> None:
        from wherry.cli.usage import show

        chosen = show.TopOptions(name=names[0] if names else "", **options)  # type: ignore[arg-type]
        await (show.pods if _KINDS[kind] == "pods" else show.nodes)(session, chosen)

    target.run(work)
