from __future__ import annotations

import pytest

from wherry.node.server.errors import Refused
from wherry.node.server.log_lines import LogLines, fixed_width, tail_start
from wherry.node.server.log_options import LogOptions, parse

LOG = (
    b"2026-01-02T03:04:05.1Z stdout F one\n"
    b"2026-01-02T03:04:06.25Z stderr F two\n"
    b"2026-01-02T03:04:07.123456789Z stdout P thr\n"
    b"2026-01-02T03:04:07.123456789Z stdout F ee\n"
    b"not a log line\n"
    b"2026-01-02T03:04:08.5Z stdout F \n"
)
NOW = 1_767_323_048.0  # 2026-01-02T03:04:08Z


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({}, b"one\ntwo\nthree\n\n"),
        ({"stream": ["Stdout"]}, b"one\nthree\n\n"),
        ({"stream": ["Stderr"]}, b"two\n"),
        ({"limitBytes": ["6"]}, b"one\ntw"),
        ({"sinceSeconds": ["2"]}, b"two\nthree\n\n"),
        ({"sinceTime": ["2026-01-02T03:04:07Z"]}, b"three\n\n"),
        ({"tailLines": ["2"]}, b"one\ntwo\n"),
        ({"tailLines": ["0"]}, b""),
        (
            {"timestamps": ["true"]},
            b"2026-01-02T03:04:05.100000000Z one\n2026-01-02T03:04:06.250000000Z two\n"
            b"2026-01-02T03:04:07.123456789Z three\n2026-01-02T03:04:08.500000000Z \n",
        ),
    ],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_what_is_shown(query: dict[str, list[str]], shown: bytes, size: int) -> None:
    lines = LogLines(parse(query, NOW))
    assert b"".join(lines.feed(LOG[start : start + size]) for start in range(0, len(LOG), size)) == shown


def test_other_zones_compare_by_time() -> None:
    lines = LogLines(LogOptions(since=NOW))
    assert (
        lines.feed(b"2026-01-02T05:04:09.0+02:00 stdout F new\n2026-01-02T05:04:07.0+02:00 stdout F old\n") == b"new\n"
    )
    assert fixed_width(b"2026-01-02T05:04:09.5+02:00") == b"2026-01-02T05:04:09.500000000+02:00"


def test_where_the_tail_starts() -> None:
    data = b"a\nbb\nccc\n"
    assert [tail_start(data, n) for n in range(5)] == [9, 5, 2, None, None]
    assert tail_start(b"a\nbb", 1) == 2
    assert tail_start(b"", 1) is None


@pytest.mark.parametrize(
    "query",
    [
        {"tailLines": ["-1"]},
        {"tailLines": ["x"]},
        {"limitBytes": ["0"]},
        {"sinceSeconds": ["0"]},
        {"sinceTime": ["yesterday"]},
        {"sinceTime": ["2026-01-02T03:04:07Z"], "sinceSeconds": ["1"]},
        {"stream": ["Both"]},
    ],
)
def test_bad_options(query: dict[str, list[str]]) -> None:
    with pytest.raises(Refused) as refused:
        parse(query, NOW)
    assert refused.value.status == 422
