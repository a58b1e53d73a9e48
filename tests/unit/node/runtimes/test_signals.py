"""Signal names and numbers."""

from __future__ import annotations

import pytest

from wherry.node.runtimes.signals import end_reason, signal_number


@pytest.mark.parametrize(
    ("text", "number"),
    [("SIGTERM", 15), ("term", 15), ("9", 9), ("SIGRTMIN+3", 37), ("RTMAX-1", 63), ("SIGRTMIN", 34), ("sigusr1", 10)],
)
def test_numbers(text: str, number: int) -> None:
    assert signal_number(text) == number


@pytest.mark.parametrize("text", ["", "SIGNOTHING", "0", "65", "RTMIN+40", "-1"])
def test_unknown(text: str) -> None:
    with pytest.raises(ValueError, match="unknown signal"):
        signal_number(text)


def test_reasons() -> None:
    assert end_reason(0, oom_killed=False) == "Completed"
    assert end_reason(1, oom_killed=False) == "Error"
    assert end_reason(137, oom_killed=True) == "OOMKilled"
