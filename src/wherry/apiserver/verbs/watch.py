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
from wherry.apiserver.negotiation import YAML, Format, not_acceptable
from wherry.apiserver.options import ListOptions, list_options
from wherry.apiserver.selection import Selection, selection_of
from wherry.apiserver.versions import parse_version
from wherry.apiserver.watching.converting import ConvertingHub
from wherry.apiserver.watching.frames import Change, object_line
from wherry.apiserver.watching.hub import Hub, history
from wherry.apiserver.watching.interest import Interest, interest_of
from wherry.apiserver.watching.lines import Lines
from wherry.apiserver.watching.shared import SharedWatch, state_of
from wherry.apiserver.watching.sight import Sight
from wherry.apiserver.watching.watcher import Watcher
from wherry.client.feed import REQUEST_STATE
from wherry.store.port import Compacted, Entry, FutureRevision
from wherry.wire.messages import BodyWriter, Response, StreamResponse

BOOKMARK_SECONDS = 60.0
_START_SECONDS = 60.0
"""For a client to read the state that its watch begins with; as long as upstream lets a list take."""
_MIN_TIMEOUT_SECONDS = 1800


@dataclass(slots=True)
class _Past:
    """What goes out first, as it was read: the state at `revision`, or what has changed until then."""

    entries: Sequence[Entry]
    changes: Sequence[Change]
    revision: int


@dataclass(slots=True)
class _Asked:
    """A watch as it was asked for."""

    options: ListOptions
    form: Format
    selection: Selection
    prefix: str
    interest: Interest | None


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
    asked = _Asked(options, form, selection, prefix, interest_of(served, selection, info.namespace))
    shared = bool(call.request.state.get(REQUEST_STATE))
    try:
        past = _past(call, asked, shared=shared)
    except StatusError as error:
        if error.status_code != 410 or shared:
            raise
        return _only(object_line("ERROR", error.to_status()))
    # No await between reading the past and attaching to the hub: no change may fall in between.
    hub = call.parts.hubs.of(served.prefix)
    if served.conversion is not None and served.conversion.later is not None:
        return _later(call, asked, past, ConvertingHub(hub, served.conversion.later), shared=shared)
    return (_shared if shared else _streamed)(call, asked, past, hub)


async def _later(call: Call, asked: _Asked, past: _Past, hub: ConvertingHub, *, shared: bool) -> StreamResponse:
    """The same once somebody outside has converted what goes out first."""
    conversion = call.served.conversion
    if conversion is None or conversion.later is None:
        raise TypeError("nobody to ask for the version")
    try:
        entries = await conversion.later.entries(past.entries)
        changes = await conversion.later.changes(past.changes)
    except BaseException:
        hub.detach()
        raise
    return (_shared if shared else _streamed)(call, asked, _Past(entries, changes, past.revision), hub)


def _streamed(call: Call, asked: _Asked, past: _Past, hub: Hub | ConvertingHub) -> StreamResponse:
    options = asked.options
    lines = Lines(call, asked.form, asked.selection, asked.prefix)
    start = _lines(lines, asked, past)
    watcher = Watcher(hub, lines.change, after=past.revision, interest=asked.interest)
    timeout = options.timeout_seconds or _MIN_TIMEOUT_SECONDS * (1.0 + random.random())
    clock = call.parts.clock
    deadline = clock.monotonic() + timeout

    async def produce(writer: BodyWriter) -> None:
        try:
            await watcher.open(writer, start, clock=clock, seconds=min(timeout, _START_SECONDS))
            start.clear()
            while not watcher.over and (left := deadline - clock.monotonic()) > 0:
                nap = min(left, BOOKMARK_SECONDS) if options.bookmarks else left
                over = await watcher.wait_over(clock, nap)
                if options.bookmarks and not over and not hub.behind:
                    writer.write_nowait(lines.bookmark(call.parts.store.revision))
        finally:
            watcher.stop()

    return StreamResponse(produce, headers=(NO_CACHE,))


def _shared(call: Call, asked: _Asked, past: _Past, hub: Hub | ConvertingHub) -> SharedWatch:
    """For a caller in this process. It needs neither bookmarks nor an end: nothing can be lost on the way to it."""
    served, selection = call.served, asked.selection
    sight = Sight(served, selection, asked.prefix)
    version = parse_version(asked.options.resource_version)
    if version in (None, 0):
        state = state_of(past.entries, served, selection)
        return SharedWatch(hub, served, sight, revision=past.revision, state=state, interest=asked.interest)
    return SharedWatch(hub, served, sight, revision=version or 0, missed=past.changes, interest=asked.interest)


def _past(call: Call, asked: _Asked, *, shared: bool) -> _Past:
    """Raises `Expired`."""
    options, store = asked.options, call.parts.store
    version = parse_version(options.resource_version)
    if version in (None, 0):
        if options.send_initial_events is False and not shared:
            return _Past((), (), store.revision)
        page = store.range(asked.prefix)
        return _Past(page.entries, (), page.revision)
    if options.send_initial_events and not shared:
        page = store.range(asked.prefix)
        return _Past(page.entries, (), page.revision)
    try:
        return _Past((), _missed(call, asked.prefix, version or 0), store.revision)
    except FutureRevision as error:
        if shared:
            raise Expired(str(error)) from error
        return _Past((), (), version or 0)


def _lines(lines: Lines, asked: _Asked, past: _Past) -> list[bytes]:
    """Each text of the start."""
    found = [text for entry in past.entries if (text := lines.initial(entry))]
    found += [text for change in past.changes if (text := lines.change(change))]
    if asked.options.send_initial_events and asked.options.bookmarks:
        # Whoever takes no bookmarks cannot be told where the state ends.
        found.append(lines.bookmark(past.revision, initial_events_end=True))
    return found


def _only(text: bytes) -> Response:
    return Response(200, text, headers=(NO_CACHE,))


def _missed(call: Call, prefix: str, version: int) -> list[Change]:
    """What has changed since a revision. Raises `Expired`, `FutureRevision`."""
    try:
        return history(call.parts.store, prefix, version)
    except Compacted as error:
        raise Expired(f"too old resource version: {version} ({error.compacted})") from error
