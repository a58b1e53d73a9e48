"""How many seats each priority level has: by its shares, and after lending and borrowing. Pure.

Source: KEP-1040 (nominal limits), "Borrowing" in the Kubernetes documentation of API priority and fairness.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from wherry.api.types import Object

_HALVINGS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Of one level: what is its own, what it always keeps, and the most it can ever have."""

    nominal: int
    least: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelConfig:
    """A PriorityLevelConfiguration as the queues need it. `queues` 0: who finds no seat is sent away."""

    name: str
    uid: str
    exempt: bool
    shares: int
    lendable: int
    borrowing: int | None
    queues: int
    hand: int
    queue_length: int


def level_config(level: Object) -> LevelConfig:
    spec, metadata = level.get("spec") or {}, level["metadata"]
    exempt = spec.get("type") == "Exempt"
    own = spec.get("exempt" if exempt else "limited") or {}
    response = own.get("limitResponse") or {}
    queuing = response.get("queuing") if response.get("type") == "Queue" else None
    return LevelConfig(
        name=metadata["name"],
        uid=metadata.get("uid", ""),
        exempt=exempt,
        shares=own.get("nominalConcurrencyShares") or 0,
        lendable=own.get("lendablePercent") or 0,
        borrowing=own.get("borrowingLimitPercent"),
        queues=(queuing or {}).get("queues") or 0,
        hand=(queuing or {}).get("handSize") or 1,
        queue_length=(queuing or {}).get("queueLengthLimit") or 0,
    )


def bounds(levels: Mapping[str, LevelConfig], total: int) -> dict[str, Bounds]:
    """Divide the server's seats among all levels."""
    shares = sum(level.shares for level in levels.values())
    return {name: _bounds(level, total, shares) for name, level in levels.items()}


def _bounds(level: LevelConfig, total: int, shares: int) -> Bounds:
    nominal = ceil(total * level.shares / shares) if shares else 0
    least = nominal - round(nominal * level.lendable / 100)
    most = total if level.borrowing is None else nominal + round(nominal * level.borrowing / 100)
    return Bounds(nominal=nominal, least=least, most=max(most, least))


def allocation(levels: Mapping[str, Bounds], demand: Mapping[str, int], total: int) -> dict[str, int]:
    """The seats of each level now, in proportion to what it could use, within its bounds."""
    lowest = {name: max(each.least, min(each.nominal, demand.get(name, 0))) for name, each in levels.items()}
    wanted = {name: max(lowest[name], demand.get(name, 0), 1) for name in levels}

    def given(proportion: float) -> dict[str, int]:
        return {
            name: max(lowest[name], min(each.most, round(proportion * wanted[name]))) for name, each in levels.items()
        }

    low, high = 0.0, float(max(total, 1))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(given(middle).values()) <= total else (low, middle)
    return given(low)
