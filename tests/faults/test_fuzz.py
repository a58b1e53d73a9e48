"""Inputs that nobody meant, the same ones every time: `make fuzz` looks for new ones."""

from __future__ import annotations

import mmap

import pytest
from tests.faults.fuzz.decoders import DECODERS, Decoder
from tests.faults.fuzz.running import Broken, Memory, feed_decoder, feed_server

INPUTS = 250


@pytest.mark.parametrize("name", DECODERS)
def test_a_decoder_refuses_or_understands(name: str) -> None:
    feed_decoder(name, "suite", inputs=INPUTS)


@pytest.mark.parametrize("name", DECODERS)
def test_the_seeds_are_understood_at_least_in_part(name: str) -> None:
    """Else their changes would all stop at the first check."""
    understood = 0
    for seed in DECODERS[name].seeds:
        try:
            DECODERS[name].run(seed)
        except DECODERS[name].refusals as refusal:
            understood += type(refusal).__name__ in ("UpgradeSeen", "PeerClosed", "BadRequest")
        else:
            understood += 1
    assert understood


async def test_no_request_makes_the_server_fail() -> None:
    assert await feed_server("suite", inputs=3_000) == 3_000


def test_what_breaks_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DECODERS, "worst", Decoder(lambda data: 1 // (len(data) % 3), (b"abc",)))
    with pytest.raises(Broken, match=r"worst, seed s: b'.*gives ZeroDivisionError"):
        feed_decoder("worst", "s", inputs=100)


def test_memory_that_grows_is_told() -> None:
    kept, memory = [], Memory(growth_allowed=20 << 20, settled_after=0)
    memory.check()
    with pytest.raises(Broken, match="memory grows"):
        for _ in range(10):
            fresh = mmap.mmap(-1, 16 << 20)  # from the system: the heap may have room that others gave back
            fresh.write(b"x" * len(fresh))
            kept.append(fresh)
            memory.check()
