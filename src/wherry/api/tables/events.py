"""The row of an event, of either group. Source: `printEvent`."""

from __future__ import annotations

from wherry.api.tables.ages import UNKNOWN, since
from wherry.api.tables.columns import Cells, Table, column, name, part
from wherry.api.types import Object


def _row(obj: Object, now: float) -> Cells:
    about = part(obj, "involvedObject") or part(obj, "regarding")
    series = obj.get("series")
    first = _since(obj, now, "firstTimestamp", "deprecatedFirstTimestamp", "eventTime")
    last = _since(obj, now, "lastTimestamp", "deprecatedLastTimestamp")
    if series:
        last = since(series.get("lastObservedTime"), now)
    elif last == UNKNOWN:
        last = first
    kind = (about.get("kind") or "").lower()
    return [
        last,
        obj.get("type") or "",
        obj.get("reason") or "",
        f"{kind}/{about['name']}" if about.get("name") else kind,
        about.get("fieldPath") or "",
        _source(obj),
        (obj.get("message") or obj.get("note") or "").strip(),
        first,
        (series or {}).get("count") or obj.get("count") or obj.get("deprecatedCount") or 1,
        name(obj),
    ]


def _since(obj: Object, now: float, *keys: str) -> str:
    return since(next((obj[key] for key in keys if obj.get(key)), None), now)


def _source(obj: Object) -> str:
    source = part(obj, "source") or part(obj, "deprecatedSource")
    component = source.get("component") or obj.get("reportingComponent") or obj.get("reportingController") or ""
    instance = source.get("host") or obj.get("reportingInstance") or ""
    return f"{component}, {instance}" if instance else component


EVENTS = Table(
    (
        column("Last Seen", about="How long ago it last happened."),
        column("Type", about="Normal or Warning."),
        column("Reason", about="Why it happened, in one word."),
        column("Object", about="What it is about."),
        column("Subobject", about="The part that it is about.", wide=True),
        column("Source", about="Who saw it.", wide=True),
        column("Message", about="What happened."),
        column("First Seen", about="How long ago it first happened.", wide=True),
        column("Count", about="How often it happened.", wide=True),
        column("Name", format_="name", about="The name of the event.", wide=True),
    ),
    _row,
)
