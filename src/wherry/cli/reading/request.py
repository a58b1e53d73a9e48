"""What `get` was asked for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from wherry.api.errors import NotFound, StatusError
from wherry.api.types import Object
from wherry.cli.errors import Failures, Refused
from wherry.cli.objects.requests import JSON, TABLE, Reading, pages
from wherry.cli.objects.wanted import Wanted
from wherry.cli.target import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class GetOptions:
    """The options of `get` that matter to more than one of its ways."""

    output: str = ""
    label_selector: str = ""
    field_selector: str = ""
    all_namespaces: bool = False
    headers: bool = True
    show_labels: bool = False
    label_columns: tuple[str, ...] = ()
    sort_by: str = ""
    chunk_size: int = 500
    ignore_not_found: bool = False
    managed_fields: bool = False
    show_kind: bool = False
    events: bool = False

    def reading(self, *, tables: bool) -> Reading:
        return Reading(
            accept=TABLE if tables else JSON,
            label_selector=self.label_selector,
            field_selector=self.field_selector,
            limit=self.chunk_size,
            include_objects=bool(self.sort_by),
        )


async def fetch(
    session: Session, wanted: list[Wanted], reading: Reading, failures: Failures, *, ignore_not_found: bool
) -> list[tuple[Wanted, list[Object]]]:
    """The pages of each, read side by side, in order; what could not be read is told and left out.

    Raises the error itself where only one thing was asked for.
    """

    async def one(each: Wanted) -> list[Object]:
        return [page async for page in pages(session.client, each, reading)]

    results = await asyncio.gather(*(one(each) for each in wanted), return_exceptions=True)
    found = []
    for each, result in zip(wanted, results, strict=True):
        if isinstance(result, list):
            found.append((each, result))
        elif not isinstance(result, StatusError):
            raise result
        elif not (ignore_not_found and isinstance(result, NotFound)):
            failures.add(result)
    return found


def check_selectors(wanted: list[Wanted], options: GetOptions) -> None:
    """Raises `Refused` where names and selectors are both given."""
    if any(each.name for each in wanted) and (options.label_selector or options.field_selector):
        raise Refused("name cannot be provided when a selector is specified")
