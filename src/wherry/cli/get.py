"""`wherry get`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from wherry.cli.kubecommand import command
from wherry.cli.objects.options import (
    all_namespaces,
    field_selector,
    file_option,
    label_selector,
    output_option,
    recursive_option,
)
from wherry.cli.target import Target, target_options

if TYPE_CHECKING:
    from wherry.cli.objects.wanted import Wanted
    from wherry.cli.reading.request import GetOptions
    from wherry.cli.target import Session


@command()
@click.argument("what", nargs=-1, metavar="TYPE[,TYPE] [NAME...] | TYPE/NAME...")
@output_option
@all_namespaces
@label_selector
@field_selector
@click.option("-w", "--watch", is_flag=True, help="Go on with every change.")
@click.option("--watch-only", is_flag=True, help="Only the changes.")
@click.option("--output-watch-events", "events", is_flag=True, help="With the kind of each change.")
@click.option("--show-labels", is_flag=True, help="A column with all labels.")
@click.option("-L", "--label-columns", multiple=True, metavar="LABEL", help="A column for a label; may be given again.")
@click.option("--show-kind", is_flag=True, help="Names with their kind before them.")
@click.option("--no-headers", is_flag=True, help="Tables without headers.")
@click.option("--sort-by", default="", metavar="PATH", help="Sort by a field, such as .metadata.name.")
@click.option("--chunk-size", default=500, show_default=True, metavar="N", help="Objects per request; 0: all at once.")
@click.option("--ignore-not-found", is_flag=True, help="What is not there is no failure.")
@click.option("--show-managed-fields", is_flag=True, help="Keep managedFields in yaml and json.")
@click.option("--raw", default="", metavar="PATH", help="Print what the server answers at a path, such as /readyz.")
@file_option
@recursive_option
@target_options
def get(
    what: Sequence[str],
    *,
    output: str,
    watch: bool,
    watch_only: bool,
    label_columns: Sequence[str],
    no_headers: bool,
    show_managed_fields: bool,
    raw: str,
    files: Sequence[str],
    recursive: bool,
    target: Target,
    **rest: object,
) -> None:
    """Show objects: one, several, or all of a type.

    \b
    wherry get pods                         the pods of your namespace
    wherry get pods,services -A             of all namespaces
    wherry get deployment/web -o yaml       everything about one object
    wherry get pods -l app=web -o wide -w   go on with every change
    wherry get nodes -o jsonpath='{.items[*].metadata.name}'
    wherry get pods --sort-by=.status.startTime
    """
    from wherry.cli.formats.output import printer
    from wherry.cli.reading.request import GetOptions

    options = GetOptions(
        output=output,
        headers=not no_headers,
        managed_fields=show_managed_fields,
        label_columns=tuple(label for given in label_columns for label in given.split(",")),
        **rest,  # type: ignore[arg-type]
    )
    shape = printer(output, headers=options.headers, managed_fields=show_managed_fields)

    async def work(session: Session) -> None:
        if raw:
            await _raw(session, raw)
            return
        wanted = await _wanted(session, what, files, recursive, options)
        if watch or watch_only:
            from wherry.cli.reading.watching import follow

            await follow(session, wanted, options, shape, only_changes=watch_only)
        elif shape is None:
            from wherry.cli.reading import tables

            await tables.show(session, wanted, options)
        else:
            from wherry.cli.reading import whole

            await whole.show(session, wanted, options, shape)

    target.run(work)


async def _wanted(
    session: Session, what: Sequence[str], files: Sequence[str], recursive: bool, options: GetOptions
) -> list[Wanted]:
    from wherry.cli.errors import Refused
    from wherry.cli.objects import arguments, manifests
    from wherry.cli.reading.request import check_selectors

    if files:
        if what:
            raise Refused("when paths, URLs, or stdin is provided as input, you may not specify resource arguments")
        read = manifests.read(files, recursive=recursive)
        return [given.wanted for given in await manifests.place(session, read)]
    if not what:
        raise Refused("you must specify the type of resource to get, such as `wherry get pods`")
    wanted = await arguments.parse(session, what, all_namespaces=options.all_namespaces)
    check_selectors(wanted, options)
    return wanted


async def _raw(session: Session, path: str) -> None:
    from wherry.client.answers import content, error_of

    response = await session.client.raw("GET", path)
    if response.status >= 400:
        raise error_of(response.status, content(response))
    click.echo(content(response), nl=False)
