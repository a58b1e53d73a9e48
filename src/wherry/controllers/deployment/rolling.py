"""How many pods each replica set should have. Pure.

What always holds while rolling: never more than replicas + maxSurge pods in all, never fewer than
replicas - maxUnavailable available ones by our doing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from wherry.api.types import Object
from wherry.controllers.deployment import revisions
from wherry.controllers.replicaset import replicas_of


def scaled(value: int | str | None, total: int, *, round_up: bool) -> int:
    """An int-or-percent of `total`. Raises `ValueError` for what is neither."""
    if value is None:
        return 0
    if isinstance(value, int):
        return value
    if not value.endswith("%"):
        raise ValueError(f"invalid value for IntOrString: {value!r}")
    exact = total * int(value[:-1])
    return -(-exact // 100) if round_up else exact // 100


def is_rolling(deployment: Object) -> bool:
    return (deployment["spec"].get("strategy") or {}).get("type", "RollingUpdate") == "RollingUpdate"


def fenceposts(deployment: Object) -> tuple[int, int]:
    """maxSurge and maxUnavailable in pods; never both zero. (0, 0) where the strategy is not rolling."""
    if not is_rolling(deployment):
        return 0, 0
    rolling = (deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}
    total = replicas_of(deployment)
    surge = scaled(rolling.get("maxSurge", "25%"), total, round_up=True)
    unavailable = scaled(rolling.get("maxUnavailable", "25%"), total, round_up=False)
    return (surge, unavailable) if surge or unavailable else (0, 1)


def max_surge(deployment: Object) -> int:
    return fenceposts(deployment)[0]


def max_unavailable(deployment: Object) -> int:
    return min(fenceposts(deployment)[1], replicas_of(deployment))


def total(sets: Iterable[Object | None]) -> int:
    """The pods that the sets are asked to have."""
    return sum(replicas_of(rs) for rs in sets if rs is not None)


def counted(sets: Iterable[Object | None], field: str = "replicas") -> int:
    """The sum of a count in the sets' status."""
    return sum((rs.get("status") or {}).get(field, 0) for rs in sets if rs is not None)


def new_size(deployment: Object, sets: Sequence[Object], new: Object) -> int:
    """The size of the new set for the next step up (or down, where it is too large)."""
    wanted, now = replicas_of(deployment), replicas_of(new)
    if not is_rolling(deployment) or now >= wanted:
        return wanted
    room = wanted + max_surge(deployment) - total(sets)
    return now if room <= 0 else now + min(room, wanted - now)


def old_sizes(deployment: Object, old: Sequence[Object], new: Object) -> list[tuple[Object, int]]:
    """The old sets that become smaller in this step: first their unhealthy pods go, then what availability allows."""
    active = sorted((rs for rs in old if replicas_of(rs)), key=revisions.age)
    minimum = replicas_of(deployment) - max_unavailable(deployment)
    new_unavailable = replicas_of(new) - counted([new], "availableReplicas")
    spare = total([*active, new]) - minimum - new_unavailable
    if not active or spare <= 0:
        return []
    sizes = {rs["metadata"]["name"]: replicas_of(rs) for rs in active}
    for rs in active:
        unhealthy = min(max(0, replicas_of(rs) - counted([rs], "availableReplicas")), spare)
        sizes[rs["metadata"]["name"]] -= unhealthy
        spare -= unhealthy
    spare = sum(map(_surely_available, (*active, new))) - minimum
    for rs in active:
        if spare <= 0:
            break
        step = min(sizes[rs["metadata"]["name"]], spare)
        sizes[rs["metadata"]["name"]] -= step
        spare -= step
    return [(rs, size) for rs in active if (size := sizes[rs["metadata"]["name"]]) != replicas_of(rs)]


def _surely_available(rs: Object) -> int:
    """Available pods that will stay: the status of a set that was just made smaller still counts those that go."""
    return min(replicas_of(rs), counted([rs], "availableReplicas"))


def is_scaling(deployment: Object, sets: Iterable[Object]) -> bool:
    """Whether the deployment's size was changed since the sets were last sized."""
    wanted = replicas_of(deployment)
    return any(
        (desired := revisions.number(rs, revisions.DESIRED)) is not None and desired != wanted
        for rs in sets
        if replicas_of(rs)
    )


def scaled_sizes(deployment: Object, old: Sequence[Object], new: Object | None) -> list[tuple[Object, int]]:
    """Every set whose size follows from the deployment's new size, rolling or paused in the middle included."""
    wanted = replicas_of(deployment)
    if (only := revisions.active_or_latest(new, old)) is not None:
        return [(only, wanted)]
    if new is not None and _is_saturated(deployment, new):
        return [(rs, 0) for rs in old if replicas_of(rs)]
    if not is_rolling(deployment):
        return []
    return _proportional(deployment, [rs for rs in (*old, new) if rs is not None and replicas_of(rs)])


def _is_saturated(deployment: Object, new: Object) -> bool:
    wanted = replicas_of(deployment)
    return (
        revisions.number(new, revisions.DESIRED) == wanted
        and replicas_of(new) == wanted
        and counted([new], "availableReplicas") == wanted
    )


def _proportional(deployment: Object, sets: list[Object]) -> list[tuple[Object, int]]:
    """Share the growth (or shrinkage) among the sets by their sizes; the largest takes what rounding leaves."""
    wanted = replicas_of(deployment)
    allowed = wanted + max_surge(deployment) if wanted > 0 else 0
    to_add = allowed - total(sets)
    newer_first = -1 if to_add > 0 else 1
    sets.sort(key=lambda rs: (-replicas_of(rs), newer_first * revisions.created(rs), revisions.age(rs)))
    sizes, added = [], 0
    for rs in sets:
        share = _share(deployment, rs, to_add, added) if to_add else 0
        sizes.append(replicas_of(rs) + share)
        added += share
    if sizes and to_add:
        sizes[0] = max(0, sizes[0] + to_add - added)
    return list(zip(sets, sizes, strict=True))


def _share(deployment: Object, rs: Object, to_add: int, added: int) -> int:
    if replicas_of(rs) == 0 or to_add == added:
        return 0
    part, left = _fraction(deployment, rs), to_add - added
    return min(part, left) if to_add > 0 else max(part, left)


def _fraction(deployment: Object, rs: Object) -> int:
    size, wanted = replicas_of(rs), replicas_of(deployment)
    if wanted == 0:
        return -size
    before = revisions.number(rs, revisions.MAXIMUM) or (deployment.get("status") or {}).get("replicas", 0)
    if not before:
        return 0
    return math.floor(size * (wanted + max_surge(deployment)) / before + 0.5) - size
