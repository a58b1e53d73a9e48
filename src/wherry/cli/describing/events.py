"""The table of events at the end of a description."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.api.types import Object
from wherry.cli.describing.words import age
from wherry.cli.describing.writer import Writer


def events(out: Writer, found: Sequence[Object] | None, now: float) -> None:
    """None: they are not to be shown."""
    if found is None:
        return
    if not found:
        out.line("Events:\t<none>")
        return
    out.flush()
    out.line("Events:")
    out.line("Type\tReason\tAge\tFrom\tMessage", 1)
    out.line("----\t------\t----\t----\t-------", 1)
    for event in sorted(found, key=lambda event: event.get("lastTimestamp") or ""):
        source = (event.get("source") or {}).get("component") or event.get("reportingComponent", "")
        cells = (event.get("type", ""), event.get("reason", ""), _when(event, now), source)
        out.line("\t".join((*cells, event.get("message", "").strip())), 1)


def _when(event: Object, now: float) -> str:
    first = age(event.get("eventTime") or event.get("firstTimestamp"), now)
    if series := event.get("series"):
        return f"{age(series.get('lastObservedTime'), now)} (x{series.get('count', 0)} over {first})"
    if event.get("count", 0) > 1:
        return f"{age(event.get('lastTimestamp'), now)} (x{event['count']} over {first})"
    return first
