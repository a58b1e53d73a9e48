"""Existing objects that a command acts on: by names, by files, by selectors, or all of a type."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from wherry.cli.errors import Refused
from wherry.cli.objects import arguments, manifests
from wherry.cli.objects.requests import Reading, objects
from wherry.cli.objects.wanted import Wanted
from wherry.cli.target import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the user gave."""

    what: Sequence[str] = ()
    files: Sequence[str] = ()
    recursive: bool = False
    everything: bool = False
    label_selector: str = ""
    field_selector: str = ""
    all_namespaces: bool = False

    @property
    def selects(self) -> bool:
        return bool(self.label_selector or self.field_selector or self.everything)


async def choose(session: Session, choice: Choice) -> list[Wanted]:
    """The objects by name; collections have been opened. Raises `Refused`."""
    if choice.files:
        if choice.what:
            raise Refused("when paths, URLs, or stdin is provided as input, you may not specify resource arguments")
        read = manifests.read(choice.files, recursive=choice.recursive)
        return [given.wanted for given in await manifests.place(session, read)]
    if not choice.what:
        raise Refused("you must provide one or more resources by argument or filename")
    if choice.everything and (choice.label_selector or choice.field_selector):
        raise Refused("setting 'all' parameter but found a non empty selector. ")
    wanted = await arguments.parse(
        session, choice.what, all_namespaces=choice.all_namespaces, names_needed=not choice.selects
    )
    if any(each.name for each in wanted) and choice.selects:
        raise Refused("name cannot be provided when a selector is specified")
    return wanted if not choice.selects else await _open(session, wanted, choice)


async def _open(session: Session, wanted: Sequence[Wanted], choice: Choice) -> list[Wanted]:
    reading = Reading(label_selector=choice.label_selector, field_selector=choice.field_selector)
    found = await asyncio.gather(*(objects(session.client, each, reading) for each in wanted))
    return [
        Wanted(each.resource, obj["metadata"].get("namespace"), obj["metadata"]["name"])
        for each, items in zip(wanted, found, strict=True)
        for obj in items
    ]
