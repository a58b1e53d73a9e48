"""Carrying out what was decided about a pod's claims, and waiting for the binder and the provisioner to do their part."""

from __future__ import annotations

import asyncio

from wherry.api.types import Object
from wherry.client.client import Client
from wherry.policy.volumes import facts, topology
from wherry.scheduler.storage.decision import Decision
from wherry.scheduler.storage.view import CLAIMS, VOLUMES, Storage


class BindingLost(ConnectionError):
    """What was decided does not hold any more; the pod is to be tried again."""


async def carry_out(decision: Decision, client: Client) -> None:
    """Raises the server's errors: `Conflict` where an object has changed since."""
    for volume, _ in decision.bindings:
        await client.update(VOLUMES, volume)
    for claim in decision.provisions:
        await client.update(CLAIMS, claim)


async def wait_bound(decision: Decision, storage: Storage, node: str, labels: dict[str, str]) -> None:
    """Return when every claim has its volume on the node. Raises `BindingLost`."""
    changed = asyncio.Event()
    stop = storage.listen(changed.set)
    try:
        while not all(_is_done(claim, storage, node, labels) for claim in _claims(decision)):
            await changed.wait()
            changed.clear()
    finally:
        stop()


def _claims(decision: Decision) -> list[Object]:
    return [*(claim for _, claim in decision.bindings), *decision.provisions]


def _is_done(claim: Object, storage: Storage, node: str, labels: dict[str, str]) -> bool:
    metadata = claim["metadata"]
    current = storage.claims.told(metadata["namespace"], metadata["name"])
    if current is None or current["metadata"]["uid"] != metadata["uid"]:
        raise BindingLost(f'persistentvolumeclaim "{metadata["name"]}" not found')
    if facts.is_fully_bound(current):
        volume = storage.volumes.told("", current["spec"]["volumeName"])
        if volume is None:
            return False
        if not topology.reaches(volume, labels, node):
            name = volume["metadata"]["name"]
            raise BindingLost(f'pv "{name}" node affinity doesn\'t match node "{node}": no matching NodeSelectorTerms')
        return True
    _check_wait(claim, current, node)
    return False


def _check_wait(claim: Object, current: Object, node: str) -> None:
    """Whether there is still something to wait for: the provisioner may ask for another node."""
    if facts.SELECTED_NODE not in facts.marks(claim):
        return
    selected = facts.marks(current).get(facts.SELECTED_NODE, "")
    if selected != node and current["metadata"]["resourceVersion"] != claim["metadata"]["resourceVersion"]:
        raise BindingLost(f'provisioning failed for PVC "{claim["metadata"]["name"]}": selected node is "{selected}"')
