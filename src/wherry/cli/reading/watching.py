"""`get -w`: what is there, then every change as it comes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import aclosing

from wherry.api.types import Object
from wherry.cli.errors import Refused
from wherry.cli.formats.output import Printer
from wherry.cli.formats.tables import TableRows, as_table
from wherry.cli.formats.tabs import Columns
from wherry.cli.objects.requests import complete, pages, version_of, watch_again
from wherry.cli.objects.wanted import Wanted
from wherry.cli.reading.request import GetOptions
from wherry.cli.reading.tables import table_options
from wherry.cli.target import Session

Show = Callable[[str, Object], str]


async def follow(
    session: Session, wanted: list[Wanted], options: GetOptions, printer: Printer | None, *, only_changes: bool
) -> None:
    """Until interrupted. Raises `Refused` for more than one resource."""
    if len(wanted) != 1:
        raise Refused(
            f"watch is only supported on individual resources and resource collections - "
            f"{len(wanted)} resources were found"
        )
    each = wanted[0]
    show = _objects(each, printer, options) if printer else _table(session, each, options)
    reading = options.reading(tables=printer is None)
    version = ""
    async for page in pages(session.client, each, reading):
        version = page.get("metadata", {}).get("resourceVersion") or version_of(page)
        if not only_changes:
            _write(show("ADDED", page))
    async with aclosing(watch_again(session.client, each, reading, version)) as events:
        async for kind, found in events:
            _write(show(kind, found))


def _table(session: Session, each: Wanted, options: GetOptions) -> Show:
    rows = TableRows(table_options(each, options, several=False))
    columns = Columns()
    return lambda kind, found: columns.render(rows.of(as_table(found, session.client.clock.now()), kind))


def _objects(each: Wanted, printer: Printer, options: GetOptions) -> Show:
    def show(kind: str, found: Object) -> str:
        items = complete(found, each) if isinstance(found.get("items"), list) and not each.name else [found]
        if options.events and options.output in ("json", "yaml"):
            items = [{"type": kind, "object": item} for item in items]
        return "".join(printer([item], single=True) for item in items)

    return show


def _write(text: str) -> None:
    if text:
        sys.stdout.write(text)
        sys.stdout.flush()
