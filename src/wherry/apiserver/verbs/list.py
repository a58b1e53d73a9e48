"""List: a page of a prefix at one revision, the stored bytes joined.

Source: k8s.io/apiserver/pkg/storage/etcd3/store.go (GetList).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from wherry.api.errors import BadRequest
from wherry.api.types import Object
from wherry.apiserver.answers import converted, list_reply
from wherry.apiserver.call import Answer, Call
from wherry.apiserver.objects import decoded
from wherry.apiserver.options import EXACT, ListOptions, list_options
from wherry.apiserver.registry import Served
from wherry.apiserver.selection import Selection, selection_of
from wherry.apiserver.versions import (
    ContinueToken,
    check_not_future,
    expired_continue,
    expired_list,
    parse_version,
    too_large,
)
from wherry.store.port import Compacted, Entry, FutureRevision, Store
from wherry.wire.messages import Reply


@dataclass(slots=True)
class Listing:
    """Entries of a page, and the list's metadata."""

    entries: Sequence[Entry]
    metadata: Object


def handle(call: Call) -> Answer:
    options = list_options(call)
    conversion = call.served.conversion
    if conversion is not None and conversion.later is not None:
        return _converted(call, options)
    listing = find(call, options)
    return list_reply(call, listing.entries, listing.metadata)


async def _converted(call: Call, options: ListOptions) -> Reply:
    listing = await find_converted(call, options)
    return list_reply(call, listing.entries, listing.metadata)


def find(call: Call, options: ListOptions) -> Listing:
    """The objects that the options ask for. Raises `BadRequest`, `Invalid`, `Expired`, `Timeout`."""
    found = _look_up(call, options)
    return _selected(call, options, found, found.entries)


async def find_converted(call: Call, options: ListOptions) -> Listing:
    """The same where the served version may have to be asked for."""
    found = _look_up(call, options)
    return _selected(call, options, found, await converted(call.served, found.entries))


@dataclass(slots=True)
class _Found:
    """What there is, before anything is selected."""

    entries: Sequence[Entry]
    selection: Selection
    revision: int
    after: str = ""
    more: bool = False
    remaining: int = 0


def _look_up(call: Call, options: ListOptions) -> _Found:
    served, info, store = call.served, call.info, call.parts.store
    selection = selection_of(served, options, name=info.name)
    token = _token(options)
    revision = token.revision if token else _revision(options, store)
    if selection.name and (info.namespace or not served.namespaced) and not revision and not token:
        entry = store.get(served.key(info.namespace, selection.name))
        return _Found([entry] if entry else [], selection, store.revision)
    after = served.prefix + token.after if token else ""
    limit = options.limit if selection.everything else 0
    try:
        page = store.range(served.list_prefix(info.namespace), after=after, limit=limit, revision=max(revision, 0))
    except Compacted as error:
        raise (expired_continue(token.after) if token else expired_list()) from error
    except FutureRevision as error:
        raise too_large(revision, store.revision) from error
    return _Found(page.entries, selection, page.revision, after, page.more, page.remaining)


def _selected(call: Call, options: ListOptions, found: _Found, entries: Sequence[Entry]) -> Listing:
    selection, more = found.selection, found.more
    if not selection.everything:
        matching = (each for each in entries if selection.matches(decoded(each)))
        entries, more = _cut(list(islice(matching, options.limit + 1 if options.limit else None)), options.limit)
    metadata: Object = {"resourceVersion": str(found.revision)}
    if more:
        last = _start_of(call.served, entries, found.after)
        metadata["continue"] = ContinueToken(found.revision, last).encode()
        if selection.everything:
            metadata["remainingItemCount"] = found.remaining
    return Listing(entries, metadata)


def _cut(entries: Sequence[Entry], limit: int) -> tuple[Sequence[Entry], bool]:
    return (entries[:limit], True) if limit and len(entries) > limit else (entries, False)


def _token(options: ListOptions) -> ContinueToken | None:
    if not options.continue_:
        return None
    if options.resource_version not in ("", "0"):
        raise BadRequest("specifying resource version is not allowed when using continue")
    return ContinueToken.decode(options.continue_)


def _revision(options: ListOptions, store: Store) -> int:
    """The revision to read at; 0 is now, which is never older than what the client knows."""
    version = parse_version(options.resource_version)
    if not version:
        return 0
    if options.match == EXACT or (options.limit and not options.match):
        return version
    check_not_future(version, store.revision)
    return 0


def _start_of(served: Served, entries: Sequence[Entry], after: str) -> str:
    last = entries[-1].key if entries else after
    return last[len(served.prefix) :]
