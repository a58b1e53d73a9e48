"""The collector of cycles, set for a process that holds many objects for long.

Python's defaults look at everything again whenever a quarter has been added, and at the young every 700 containers. A
cluster keeps millions (each object is a tree of dicts) and makes few cycles; nearly everything is freed by counting
references. With the defaults a sixth of the time of creating pods went into looking for cycles.
"""

from __future__ import annotations

import gc

_YOUNG = 25_000
"""Containers made, and not freed, between two looks at the young ones: a millisecond or two."""
_MIDDLE = 20
_OLD = 100
"""All are looked at when fifty million have come to stay."""


def tune() -> None:
    """Look seldom. For the first line of a process."""
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)


def settle() -> None:
    """Start-up is over: what lives now stays as long as the process, the collector need not look at it again."""
    gc.collect()
    gc.freeze()
