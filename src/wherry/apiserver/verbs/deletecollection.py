"""Delete every object of a list, one after another."""

from __future__ import annotations

from wherry.api.errors import NotFound
from wherry.apiserver.answers import list_reply, wanted
from wherry.apiserver.call import Answer, Call
from wherry.apiserver.delete_options import delete_options
from wherry.apiserver.options import list_options
from wherry.apiserver.registry import Served
from wherry.apiserver.verbs.delete import delete
from wherry.apiserver.verbs.list import find
from wherry.store.port import Entry
from wherry.wire.messages import Reply


def handle(call: Call) -> Answer:
    wanted(call)
    options = delete_options(call)
    listing = find(call, list_options(call))

    async def write() -> Reply:
        served = call.served
        deleted: list[Entry] = []
        for entry in listing.entries:
            namespace, name = _names(served, entry)
            try:
                result = await delete(call, served, namespace, name, options)
            except NotFound:
                # Somebody else was faster, which is what the client wanted.
                continue
            deleted.append(result.entry)
        return list_reply(call, deleted, {"resourceVersion": listing.metadata["resourceVersion"]})

    return write()


def _names(served: Served, entry: Entry) -> tuple[str, str]:
    rest = entry.key[len(served.prefix) :]
    if not served.namespaced:
        return "", rest
    namespace, _, name = rest.partition("/")
    return namespace, name
