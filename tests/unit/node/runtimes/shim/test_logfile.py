"""Log files in CRI format."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from wherry.node.runtimes.shim.logfile import LogFile, split_records, timestamp


def test_timestamps_have_nanoseconds() -> None:
    assert timestamp(1_767_225_600_000_000_042) == b"2026-01-01T00:00:00.000000042Z"


def test_long_lines_are_partial_records() -> None:
    records, rest = split_records(b"", b"a" * 25 + b"\nshort\nopen", limit=10)
    assert records == [(b"P", b"a" * 10), (b"P", b"a" * 10), (b"F", b"a" * 5), (b"F", b"short")]
    assert rest == b"open"


@given(st.lists(st.binary(max_size=40)))
def test_nothing_is_lost_or_invented(chunks: list[bytes]) -> None:
    pending, text = b"", b""
    for chunk in chunks:
        records, pending = split_records(pending, chunk, limit=8)
        assert all(len(part) <= 8 for _, part in records)
        text += b"".join(part + (b"\n" if tag == b"F" else b"") for tag, part in records)
    assert text + pending == b"".join(chunks)


def test_streams_do_not_mix_and_the_end_ends_a_line(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path / "log"))
    log.write(b"stdout", b"one\ntw")
    log.write(b"stderr", b"err\n")
    log.write(b"stdout", b"o")
    log.finish()
    log.finish()
    lines = [line.split(" ", 1)[1] for line in (tmp_path / "log").read_text().splitlines()]
    assert lines == ["stdout F one", "stderr F err", "stdout F two"]


def test_rotation(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path / "log"))
    log.write(b"stdout", b"old\n")
    (tmp_path / "log").rename(tmp_path / "log.1")
    log.write(b"stdout", b"still old\n")
    log.reopen()
    log.write(b"stdout", b"new\n")
    assert (tmp_path / "log").read_text().endswith("F new\n")
    assert (tmp_path / "log.1").read_text().endswith("F still old\n")


def test_a_log_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    LogFile(str(tmp_path / "no" / "log")).write(b"stdout", b"lost\n")
