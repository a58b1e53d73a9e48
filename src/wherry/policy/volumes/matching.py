"""Which volume a claim gets: of those with the fewest access modes beyond those asked for, the smallest."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from wherry.api.types import Object
from wherry.machinery.selectors import from_object
from wherry.policy.node_selector import Labels
from wherry.policy.volumes import facts
from wherry.policy.volumes.topology import reaches


def find(
    claim: Object,
    volumes: Iterable[Object],
    *,
    node: Labels | None = None,
    node_name: str = "",
    taken: Collection[str] = (),
    only_own: bool = False,
) -> Object | None:
    """The best volume for a claim; `node` are the labels of the node that must reach it, `taken` are names of volumes.

    A volume that names the claim goes before all others. With `only_own` no other is taken: the claim waits for its pod.
    """
    fitting = [volume for volume in volumes if volume["metadata"]["name"] not in taken and _fits(volume, claim)]
    for volume in fitting:
        if facts.is_bound_to(volume, claim):
            return volume if node is None or reaches(volume, node, node_name) else None
    if only_own:
        return None
    selector = from_object(claim["spec"]["selector"]) if claim["spec"].get("selector") is not None else None
    free = [
        volume
        for volume in fitting
        if volume["spec"].get("claimRef") is None
        and facts.phase(volume) == "Available"
        and facts.class_of(volume) == facts.class_of(claim)
        and (selector is None or selector.matches(volume["metadata"].get("labels") or {}))
        and (node is None or reaches(volume, node, node_name))
    ]
    return min(free, key=_cost, default=None)


def _cost(volume: Object) -> tuple[int, int, str]:
    return len(volume["spec"].get("accessModes") or ()), facts.capacity(volume), volume["metadata"]["name"]


def _fits(volume: Object, claim: Object) -> bool:
    """Modes, size and kind; and nobody else has it."""
    spec = volume["spec"]
    return (
        set(claim["spec"].get("accessModes") or ()) <= set(spec.get("accessModes") or ())
        and (spec.get("claimRef") is None or facts.is_bound_to(volume, claim))
        and facts.capacity(volume) >= facts.requested(claim)
        and facts.mode_of(volume) == facts.mode_of(claim)
        and _attributes(volume) == _attributes(claim)
        and not volume["metadata"].get("deletionTimestamp")
    )


def _attributes(obj: Object) -> str:
    return obj["spec"].get("volumeAttributesClassName") or ""


def mismatch(volume: Object, claim: Object) -> str | None:
    """Why a volume that a claim names does not do; None where it does."""
    if facts.capacity(volume) < facts.requested(claim):
        return "requested PV is too small"
    if facts.class_of(volume) != facts.class_of(claim):
        return "storageClassName does not match"
    if _attributes(volume) != _attributes(claim):
        return "volumeAttributesClassName does not match"
    if facts.mode_of(volume) != facts.mode_of(claim):
        return "incompatible volumeMode"
    if not set(claim["spec"].get("accessModes") or ()) <= set(volume["spec"].get("accessModes") or ()):
        return "incompatible accessMode"
    return None
