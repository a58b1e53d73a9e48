"""`get` as tables: a table per resource, blank lines between them, one header each."""

from __future__ import annotations

from itertools import groupby

import click

from wherry.api.types import Object
from wherry.cli.errors import Failures
from wherry.cli.formats.tables import TableOptions, TableRows, as_table
from wherry.cli.formats.tabs import Columns
from wherry.cli.objects.wanted import Wanted, group_kind
from wherry.cli.reading.request import GetOptions, fetch
from wherry.cli.target import Session


def table_options(wanted: Wanted, options: GetOptions, *, several: bool) -> TableOptions:
    """How one resource's table is decorated; `several` kinds are told apart by their names."""
    return TableOptions(
        wide=options.output == "wide",
        headers=options.headers,
        namespaces=options.all_namespaces and wanted.resource.namespaced,
        kind=group_kind(wanted.resource) if several or options.show_kind else "",
        labels=options.show_labels,
        label_columns=options.label_columns,
        events=options.events,
    )


async def show(session: Session, wanted: list[Wanted], options: GetOptions) -> None:
    """Print the tables, or say that there is nothing."""
    failures = Failures()
    reading = options.reading(tables=True)
    found = await fetch(session, wanted, reading, failures, ignore_not_found=options.ignore_not_found)
    several = len({each.resource for each in wanted}) > 1
    written = False
    for _, group in groupby(found, key=lambda pair: pair[0].resource):
        members = list(group)
        rows = TableRows(table_options(members[0][0], options, several=several))
        parts = [page for _, pages in members for page in pages]
        tables = [as_table(page, session.client.clock.now()) for page in parts]
        text = Columns().render([row for table in _sorted(tables, options) for row in rows.of(table)])
        if text:
            click.echo(("\n" if written and options.headers else "") + text, nl=False)
            written = True
    if not written and not failures.count and not options.ignore_not_found:
        nothing(session, wanted, options)
    failures.finish()


def _sorted(tables: list[Object], options: GetOptions) -> list[Object]:
    """The tables as one, its rows sorted; or as they are."""
    if not options.sort_by or not tables:
        return tables
    from wherry.cli.formats.sorting import by_path

    rows = by_path([row for table in tables for row in table["rows"]], options.sort_by, lambda row: row["object"])
    return [{**tables[0], "rows": rows}]


def nothing(session: Session, wanted: list[Wanted], options: GetOptions) -> None:
    """Say that nothing was found, and where."""
    if not options.all_namespaces and wanted and all(each.resource.namespaced for each in wanted):
        click.echo(f"No resources found in {session.namespace} namespace.", err=True)
    else:
        click.echo("No resources found", err=True)
