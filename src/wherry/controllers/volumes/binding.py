"""Tying a volume and a claim together, step by step, so that a step that was done may be done again.

    volume.spec.claimRef  ->  volume Bound  ->  claim.spec.volumeName  ->  claim Bound

Whoever dies between two of them finds the rest to do when it looks at either of the two.
"""

from __future__ import annotations

from wherry.api.types import Object
from wherry.controllers.volumes.store import CLAIMS, Storage
from wherry.policy.volumes import facts


async def bind(storage: Storage, volume: Object, claim: Object) -> None:
    """Raises the server's errors; `Conflict` where somebody else was faster."""
    volume = await _volume_to_claim(storage, volume, claim)
    volume = await storage.set_volume_phase(volume, "Bound")
    claim = await _claim_to_volume(storage, claim, volume)
    await storage.set_claim_phase(claim, "Bound", volume)


def reference_to(claim: Object) -> Object:
    metadata = claim["metadata"]
    return {
        "kind": CLAIMS.kind,
        "apiVersion": CLAIMS.api_version,
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "resourceVersion": metadata["resourceVersion"],
    }


def claimed(volume: Object, claim: Object) -> Object:
    """The volume with its reference to the claim; the mark tells that no person has put it there."""
    before = volume["spec"].get("claimRef")
    if before is not None and before.get("uid") == claim["metadata"]["uid"]:
        return volume
    changed = facts.dirty(volume, claimRef=reference_to(claim))
    return changed if before is not None else facts.annotated(changed, **{facts.BOUND_BY_CONTROLLER: "yes"})


async def _volume_to_claim(storage: Storage, volume: Object, claim: Object) -> Object:
    changed = claimed(volume, claim)
    return volume if changed is volume else await storage.save_volume(changed)


async def _claim_to_volume(storage: Storage, claim: Object, volume: Object) -> Object:
    name, marks = volume["metadata"]["name"], {}
    changed = claim
    if claim["spec"].get("volumeName") != name:
        changed, marks = facts.dirty(claim, volumeName=name), {facts.BOUND_BY_CONTROLLER: "yes"}
    if facts.BIND_COMPLETED not in facts.marks(claim):
        marks[facts.BIND_COMPLETED] = "yes"
    return await storage.save_claim(facts.annotated(changed, **marks)) if marks else claim


async def unbind(storage: Storage, volume: Object) -> None:
    """The claim took another volume: this one is free again, or waits on for the claim that a person wrote there."""
    if facts.BOUND_BY_CONTROLLER in facts.marks(volume):
        spec = {key: value for key, value in volume["spec"].items() if key != "claimRef"}
        changed = facts.annotated({**volume, "spec": spec}, **{facts.BOUND_BY_CONTROLLER: None})
    else:
        kept = {k: v for k, v in volume["spec"]["claimRef"].items() if k not in ("uid", "resourceVersion")}
        changed = facts.dirty(volume, claimRef=kept)
    await storage.set_volume_phase(await storage.save_volume(changed), "Available")
