"""List: a page of a prefix at one revision, the stored bytes joined.

Source: k8s.io/apiserver/pkg/storage/etcd3/store.go (GetList).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wherry.api.errors import BadRequest
from wherry.api.types import Object
from wherry.apiserver.answers import list_reply
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
from wherry.store.port import Compacted, Entry, FutureRevision, Page, Store


@dataclass(slots=True)
class Listing:
    """Entries of a page, and the list's metadata."""

    entries: Sequence[Entry]
    metadata: Object


def handle(call: Call) -> Answer:
    listing = find(call, list_options(call))
    return list_reply(call, listing.entries, listing.metadata)


def find(call: Call, options: ListOptions) -> Listing:
    """The objects that the options ask for. Raises `BadRequest`, `Invalid`, `Expired`, `Timeout`."""
    served, info, store = call.served, call.info, call.parts.store
    selection = selection_of(served, options, name=info.name)
    prefix = served.list_prefix(info.namespace)
    token = _token(options)
    revision = token.revision if token else _revision(options, store)
    if selection.name and (info.namespace or not served.namespaced) and not revision and not token:
        return _single(store, served.key(info.namespace, selection.name), selection)
    after = served.prefix + token.after if token else ""
    try:
        page, entries, more = _read(store, prefix, after, options.limit, max(revision, 0), selection)
    except Compacted as error:
        raise (expired_continue(token.after) if token else expired_list()) from error
    except FutureRevision as error:
        raise too_large(revision, store.revision) from error
    metadata: Object = {"resourceVersion": str(page.revision)}
    if more:
        last = _start_of(served, entries, after)
        metadata["continue"] = ContinueToken(page.revision, last).encode()
        if selection.everything:
            metadata["remainingItemCount"] = page.remaining
    return Listing(entries, metadata)


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


def _single(store: Store, key: str, selection: Selection) -> Listing:
    entry = store.get(key)
    found = [entry] if entry and selection.matches(decoded(entry)) else []
    return Listing(found, {"resourceVersion": str(store.revision)})


def _read(
    store: Store, prefix: str, after: str, limit: int, revision: int, selection: Selection
) -> tuple[Page, Sequence[Entry], bool]:
    if selection.everything:
        page = store.range(prefix, after=after, limit=limit, revision=revision)
        return page, page.entries, page.more
    page = store.range(prefix, after=after, revision=revision)
    found: list[Entry] = []
    for entry in page.entries:
        if selection.matches(decoded(entry)):
            if limit and len(found) == limit:
                return page, found, True
            found.append(entry)
    return page, found, False


def _start_of(served: Served, entries: Sequence[Entry], after: str) -> str:
    last = entries[-1].key if entries else after
    return last[len(served.prefix) :]
