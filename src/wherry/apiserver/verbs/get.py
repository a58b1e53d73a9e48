"""Get one object: from memory, in the bytes in which it was stored."""

from __future__ import annotations

from wherry.api.errors import not_found
from wherry.apiserver.answers import entry_reply, written_reply
from wherry.apiserver.call import Answer, Call
from wherry.apiserver.versions import check_not_future, parse_version


def handle(call: Call) -> Answer:
    info = call.info
    entry = call.parts.store.get(info.key)
    if call.query and (version := parse_version(call.parameter("resourceVersion"))):
        check_not_future(version, call.parts.store.revision)
    if entry is None:
        raise not_found(info.group, info.plural, info.name)
    conversion = call.served.conversion
    if conversion is not None and conversion.later is not None:
        return written_reply(call, entry)
    return entry_reply(call, entry)
