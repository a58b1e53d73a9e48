"""Delete every object of a list, a few at a time."""

from __future__ import annotations

import asyncio

from wherry.api.errors import NotFound
from wherry.apiserver.answers import converted, list_reply, wanted
from wherry.apiserver.call import Answer, Call
from wherry.apiserver.delete_options import delete_options
from wherry.apiserver.options import list_options
from wherry.apiserver.registry import Served
from wherry.apiserver.verbs.delete import delete
from wherry.apiserver.verbs.list import find_converted
from wherry.store.port import Entry
from wherry.wire.messages import Reply

_TOGETHER = 50
"""How many deletes are under way at once, so that a durable store commits them together."""


def handle(call: Call) -> Answer:
    wanted(call)
    options = delete_options(call)
    selected = list_options(call)

    async def one(entry: Entry) -> Entry | None:
        try:
            return (await delete(call, call.served, *_names(call.served, entry), options)).entry
        except NotFound:
            # Somebody else was faster, which is what the client wanted.
            return None

    async def write() -> Reply:
        listing = await find_converted(call, selected)
        deleted: list[Entry] = []
        for start in range(0, len(listing.entries), _TOGETHER):
            some = await asyncio.gather(*map(one, listing.entries[start : start + _TOGETHER]))
            deleted += [entry for entry in some if entry is not None]
        shown = await converted(call.served, deleted)
        return list_reply(call, shown, {"resourceVersion": listing.metadata["resourceVersion"]})

    return write()


def _names(served: Served, entry: Entry) -> tuple[str, str]:
    rest = entry.key[len(served.prefix) :]
    if not served.namespaced:
        return "", rest
    namespace, _, name = rest.partition("/")
    return namespace, name
