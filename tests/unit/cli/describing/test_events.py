"""The table of events."""

from __future__ import annotations

from wherry.base.times import parse_rfc3339
from wherry.cli.describing.events import events
from wherry.cli.describing.writer import Writer

NOW = parse_rfc3339("2026-01-01T01:00:00Z")


def _event(reason: str, **fields: object) -> dict[str, object]:
    return {"type": "Normal", "reason": reason, "message": "m\n", "source": {"component": "c"}, **fields}


def test_ages_counts_and_series() -> None:
    out = Writer()
    found = [
        _event("Last", firstTimestamp="2026-01-01T00:00:00Z", lastTimestamp="2026-01-01T00:59:00Z", count=3),
        _event("First", firstTimestamp="2026-01-01T00:30:00Z", lastTimestamp="2026-01-01T00:30:00Z"),
        _event(
            "Series",
            source={},
            reportingComponent="r",
            eventTime="2026-01-01T00:58:00Z",
            series={"count": 2, "lastObservedTime": "2026-01-01T00:59:30Z"},
            lastTimestamp="2026-01-01T00:59:30Z",
        ),
    ]
    events(out, found, NOW)
    assert [line.split(maxsplit=2) for line in out.text().splitlines()[3:]] == [
        ["Normal", "First", "30m                c     m"],
        ["Normal", "Last", "60s (x3 over 60m)  c     m"],
        ["Normal", "Series", "30s (x2 over 2m)   r     m"],
    ]


def test_none_and_unwanted() -> None:
    out = Writer()
    events(out, None, NOW)
    events(out, [], NOW)
    assert out.text() == "Events:  <none>\n"
