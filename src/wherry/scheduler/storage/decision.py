"""What a pod's claims get on a node: volumes that are there, or volumes that are to be made there. Pure.

Source: pkg/scheduler/framework/plugins/volumebinding/binder.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wherry.api.types import Object
from wherry.policy.volumes import facts, matching, topology
from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.storage.view import Storage

NO_VOLUME = "node(s) didn't find available persistent volumes to bind"
WRONG_NODE = "node(s) didn't match PersistentVolume's node affinity"
VOLUME_GONE = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"
UNBOUND = "pod has unbound immediate PersistentVolumeClaims"


class ClaimProblem(Exception):
    """No node will do as long as this is so."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A pod's claims: those that have their volumes, and those that get one with the node."""

    bound: tuple[Object, ...] = ()
    unbound: tuple[Object, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """Volumes as they are to be written, with their claims; and claims whose volumes are to be made for the node."""

    bindings: tuple[tuple[Object, Object], ...] = ()
    provisions: tuple[Object, ...] = ()


def wanted(pod: PodInfo, storage: Storage) -> Wanted:
    """Raises `ClaimProblem`."""
    claims = [_claim(pod, name, own, storage) for name, own in pod.claims]
    bound = tuple(claim for claim in claims if facts.is_fully_bound(claim))
    unbound = tuple(claim for claim in claims if not facts.is_fully_bound(claim))
    if any(_is_immediate(claim, storage) for claim in unbound):
        raise ClaimProblem(UNBOUND)
    return Wanted(bound, tuple(sorted(unbound, key=facts.requested)))


def _is_immediate(claim: Object, storage: Storage) -> bool:
    """Whether the binder is to find its volume without regard to the pod."""
    return bool(claim["spec"].get("volumeName")) or not facts.waits_for_consumer(storage.class_of(claim))


def _claim(pod: PodInfo, name: str, own: bool, storage: Storage) -> Object:
    claim = storage.claims.get(pod.namespace, name)
    if claim is None:
        if own:
            raise ClaimProblem(f'waiting for ephemeral volume controller to create the persistentvolumeclaim "{name}"')
        raise ClaimProblem(f'persistentvolumeclaim "{name}" not found')
    if facts.phase(claim) == "Lost":
        volume = claim["spec"].get("volumeName", "")
        raise ClaimProblem(f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{volume}"')
    if claim["metadata"].get("deletionTimestamp"):
        raise ClaimProblem(f'persistentvolumeclaim "{name}" is being deleted')
    if own and not facts.is_made_for(claim, pod.obj):
        raise ClaimProblem(facts.not_made_for(claim, pod.obj))
    return claim


def decide(wants: Wanted, node: NodeInfo, storage: Storage) -> Decision | tuple[str, ...]:
    """What is to be done if the pod gets this node; or the reasons why it cannot."""
    reasons = _of_bound(wants.bound, node, storage)
    found = _of_unbound(wants.unbound, node, storage)
    if found is None:
        return (*reasons, NO_VOLUME)
    return reasons or found


def _of_bound(claims: Iterable[Object], node: NodeInfo, storage: Storage) -> tuple[str, ...]:
    for claim in claims:
        volume = storage.volume_of(claim)
        if volume is None:
            return (VOLUME_GONE,)
        if not topology.reaches(volume, node.labels, node.name):
            return (WRONG_NODE,)
    return ()


def _of_unbound(claims: Sequence[Object], node: NodeInfo, storage: Storage) -> Decision | None:
    """Existing volumes first, the smallest claim choosing first; volumes are made for the others."""
    bindings: list[tuple[Object, Object]] = []
    provisions: list[Object] = []
    taken: set[str] = set()
    for claim in claims:
        selected = facts.marks(claim).get(facts.SELECTED_NODE)
        if selected is not None and selected != node.name:
            return None
        volume = None if selected is not None else _matching(claim, node, storage, taken)
        if volume is not None:
            taken.add(volume["metadata"]["name"])
            bindings.append((volume, claim))
        elif _can_be_made(claim, node, storage):
            provisions.append(claim)
        else:
            return None
    return Decision(tuple(bindings), tuple(provisions))


def _matching(claim: Object, node: NodeInfo, storage: Storage, taken: set[str]) -> Object | None:
    volumes = storage.volumes.items()
    return matching.find(claim, volumes, node=node.labels, node_name=node.name, taken=taken)


def _can_be_made(claim: Object, node: NodeInfo, storage: Storage) -> bool:
    class_ = storage.class_of(claim)
    if class_ is None or class_["provisioner"] in ("", facts.NO_PROVISIONER):
        return False
    return topology.allowed(class_, node.labels)
