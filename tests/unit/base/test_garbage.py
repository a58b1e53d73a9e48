"""The collector stays on, looks seldom, and leaves alone what was there at the end of the start."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from wherry.base import garbage


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def test_tuned_collector_is_on() -> None:
    garbage.tune()
    assert gc.isenabled()
    assert gc.get_threshold()[0] > 700


def test_settled_objects_are_not_looked_at_again() -> None:
    kept: list[object] = []
    kept.append(kept)
    garbage.settle()
    assert gc.get_freeze_count() > 0
    assert not any(obj is kept for obj in gc.get_objects())
