"""`get` as whole objects: yaml, json, names, jsonpath, custom columns."""

from __future__ import annotations

import click

from wherry.cli.errors import Failures
from wherry.cli.formats.output import Printer
from wherry.cli.objects.requests import complete
from wherry.cli.objects.wanted import Wanted
from wherry.cli.reading.request import GetOptions, fetch
from wherry.cli.target import Session


async def show(session: Session, wanted: list[Wanted], options: GetOptions, printer: Printer) -> None:
    """Print one object asked for by its name as it is, everything else as a List."""
    failures = Failures()
    reading = options.reading(tables=False)
    found = await fetch(session, wanted, reading, failures, ignore_not_found=options.ignore_not_found)
    objects = [
        obj for each, pages in found for page in pages for obj in ([page] if each.name else complete(page, each))
    ]
    if options.sort_by:
        from wherry.cli.formats.sorting import by_path

        objects = by_path(objects, options.sort_by, lambda obj: obj)
    single = len(wanted) == 1 and bool(wanted[0].name)
    if objects or (not single and not failures.count and not options.ignore_not_found):
        click.echo(printer(objects, single=single), nl=False)
    failures.finish()
