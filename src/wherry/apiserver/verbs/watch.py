"""Watch: the state now or the changes since a revision, then every change as it happens.

Source: k8s.io/apiserver/pkg/endpoints/handlers/watch.go, pkg/storage/cacher, KEP-3157 (watch list).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from wherry.api.errors import Expired, StatusError
from wherry.apiserver.answers import NO_CACHE, wanted
from wherry.apiserver.call import Answer, Call
from wherry.apiserver.negotiation import YAML, not_acceptable
from wherry.apiserver.options import ListOptions, list_options
from wherry.apiserver.selection import Selection, selection_of
from wherry.apiserver.versions import parse_version
from wherry.apiserver.watching.frames import Change, object_line
from wherry.apiserver.watching.hub import history
from wherry.apiserver.watching.interest import Interest, interest_of
from wherry.apiserver.watching.lines import Lines
from wherry.apiserver.watching.shared import SharedWatch, state_of
from wherry.apiserver.watching.sight import Sight
from wherry.apiserver.watching.watcher import Watcher
from wherry.client.feed import REQUEST_STATE
from wherry.store.port import Compacted, FutureRevision
from wherry.wire.messages import BodyWriter, Response, StreamResponse

BOOKMARK_SECONDS = 60.0
_MIN_TIMEOUT_SECONDS = 1800


@dataclass(slots=True)
class _Start:
    """What goes out first, and the revision from which changes follow."""

    lines: Sequence[bytes]
    revision: int


def handle(call: Call) -> Answer:
    options = list_options(call, watch=True)
    form = wanted(call)
    if form.media == YAML:
        raise not_acceptable()
    served, info = call.served, call.info
    selection = selection_of(served, options, name=info.name)
    prefix = served.list_prefix(info.namespace)
    if selection.name and (info.namespace or not served.namespaced):
        # The range of one name; longer names that start with it are told apart by the selection itself.
        prefix = served.key(info.namespace, selection.name)
    interest = interest_of(served, selection, info.namespace)
    if call.request.state.get(REQUEST_STATE):
        return _shared(call, options, selection, prefix, interest)
    lines = Lines(call, form, selection, prefix)
    try:
        start = _start(call, options, lines, prefix)
    except StatusError as error:
        if error.status_code != 410:
            raise
        return _only(object_line("ERROR", error.to_status()))
    # No await between reading the state and attaching: no change may fall in between.
    watcher = Watcher(call.parts.hubs.of(served.prefix), lines.change, after=start.revision, interest=interest)
    timeout = options.timeout_seconds or _MIN_TIMEOUT_SECONDS * (1.0 + random.random())
    clock = call.parts.clock
    deadline = clock.monotonic() + timeout

    async def produce(writer: BodyWriter) -> None:
        try:
            await watcher.open(writer, start.lines)
            while not watcher.over and (left := deadline - clock.monotonic()) > 0:
                nap = min(left, BOOKMARK_SECONDS) if options.bookmarks else left
                over = await watcher.wait_over(clock, nap)
                if options.bookmarks and not over:
                    writer.write_nowait(lines.bookmark(call.parts.store.revision))
        finally:
            watcher.stop()

    return StreamResponse(produce, headers=(NO_CACHE,))


def _shared(
    call: Call, options: ListOptions, selection: Selection, prefix: str, interest: Interest | None
) -> SharedWatch:
    """For a caller in this process. It needs neither bookmarks nor an end: nothing can be lost on the way to it."""
    served, store, hub = call.served, call.parts.store, call.parts.hubs.of(call.served.prefix)
    sight = Sight(served, selection, prefix)
    version = parse_version(options.resource_version)
    if version in (None, 0):
        page = store.range(prefix)
        state = state_of(page.entries, served, selection)
        return SharedWatch(hub, served, sight, revision=page.revision, state=state, interest=interest)
    try:
        missed = _missed(call, prefix, version or 0)
    except FutureRevision as error:
        raise Expired(str(error)) from error
    return SharedWatch(hub, served, sight, revision=version or 0, missed=missed, interest=interest)


def _only(text: bytes) -> Response:
    return Response(200, text, headers=(NO_CACHE,))


def _start(call: Call, options: ListOptions, lines: Lines, prefix: str) -> _Start:
    version = parse_version(options.resource_version)
    if options.send_initial_events:
        start = _state(call, lines, prefix)
        if not options.bookmarks:
            # Whoever takes no bookmarks cannot be told where the state ends.
            return start
        end = lines.bookmark(start.revision, initial_events_end=True)
        return _Start([*start.lines, end], start.revision)
    if options.send_initial_events is None and version in (None, 0):
        return _state(call, lines, prefix)
    if version in (None, 0):
        return _Start((), call.parts.store.revision)
    return _since(call, lines, prefix, version or 0)


def _state(call: Call, lines: Lines, prefix: str) -> _Start:
    page = call.parts.store.range(prefix)
    return _Start([text for entry in page.entries if (text := lines.initial(entry))], page.revision)


def _since(call: Call, lines: Lines, prefix: str, version: int) -> _Start:
    try:
        changes = _missed(call, prefix, version)
    except FutureRevision:
        return _Start((), version)
    return _Start([text for change in changes if (text := lines.change(change))], call.parts.store.revision)


def _missed(call: Call, prefix: str, version: int) -> list[Change]:
    """What has changed since a revision. Raises `Expired`, `FutureRevision`."""
    try:
        return history(call.parts.store, prefix, version)
    except Compacted as error:
        raise Expired(f"too old resource version: {version} ({error.compacted})") from error
