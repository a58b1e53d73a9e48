"""What shim and agent tell each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.node.runtimes.shim.records import FRAME_LIMIT, Exited, Running, frame, parse_status, take_frames


@given(st.text(alphabet=st.characters(exclude_characters="\r", exclude_categories=["Cs"])))
def test_an_end_comes_back_as_it_was(message: str) -> None:
    told = Exited(137, 9, 5, 6, True, "OOMKilled", message)
    line = told.line()
    assert "\n" not in line
    found = parse_status(line + "\n")
    assert isinstance(found, Exited)
    assert [getattr(found, name) for name in Exited.__slots__] == [getattr(told, name) for name in Exited.__slots__]


def test_a_start_comes_back() -> None:
    found = parse_status(Running(42, 7).line())
    assert isinstance(found, Running)
    assert (found.pid, found.started_ns) == (42, 7)


@pytest.mark.parametrize("line", ["", "running", "running x 1", "exited 1 2", "exited 0 0 0 0 0 Completed", "else 1"])
def test_cut_off_lines_say_nothing(line: str) -> None:
    assert parse_status(line) is None


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=50))), st.integers(1, 7))
def test_frames_survive_any_cutting(frames: list[tuple[int, bytes]], step: int) -> None:
    data = b"".join(frame(kind, payload) for kind, payload in frames)
    buffer, found = bytearray(), []
    for start in range(0, len(data), step):
        buffer += data[start : start + step]
        found += take_frames(buffer)
    assert found == frames
    assert not buffer


def test_a_frame_that_is_too_long() -> None:
    with pytest.raises(ValueError, match="bytes"):
        take_frames(bytearray(b"\0" + (FRAME_LIMIT + 1).to_bytes(4, "big")))
