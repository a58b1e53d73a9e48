"""What is done for a claim: a volume found, waited for or asked for; or the loss of one told."""

from __future__ import annotations

from collections.abc import Callable

from wherry.api.types import Object
from wherry.controllers import pods
from wherry.controllers.volumes.binding import bind
from wherry.controllers.volumes.store import Storage
from wherry.policy.volumes import facts, matching

NOTHING_FITS = "no persistent volumes available for this claim and no storage class is set"
WAITS_FOR_CONSUMER = "waiting for first consumer to be created before binding"
LOST_REFERENCE = "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!"
LOST_VOLUME = "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
MISBOUND = "Two claims are bound to the same volume, this one is bound incorrectly"
_EXTERNAL = (
    "Waiting for a volume to be created either by the external provisioner '{0}' or manually by the system "
    "administrator. If volume creation is delayed, please verify that the provisioner is running and correctly "
    "registered."
)
_IN_TREE = "kubernetes.io/"


class Claims:
    """`users` gives the pods of a claim."""

    def __init__(self, storage: Storage, users: Callable[[Object], list[Object]]) -> None:
        self._storage = storage
        self._users = users

    async def sync(self, claim: Object) -> None:
        if facts.BIND_COMPLETED in facts.marks(claim):
            await self._check_bound(claim)
        elif claim["spec"].get("volumeName"):
            await self._take_named(claim)
        else:
            await self._find(claim)

    async def _check_bound(self, claim: Object) -> None:
        name = claim["spec"].get("volumeName")
        if not name:
            return await self._lose(claim, "ClaimLost", LOST_REFERENCE)
        volume = self._storage.volumes.get("", name)
        if volume is None:
            return await self._lose(claim, "ClaimLost", LOST_VOLUME)
        reference = volume["spec"].get("claimRef")
        if reference is not None and reference.get("uid") not in ("", None, claim["metadata"]["uid"]):
            return await self._lose(claim, "ClaimMisbound", MISBOUND)
        return await bind(self._storage, volume, claim)

    async def _lose(self, claim: Object, reason: str, message: str) -> None:
        if facts.phase(claim) != "Lost":
            await self._storage.set_claim_phase(claim, "Lost")
            self._storage.tell(claim, "Warning", reason, message)

    async def _take_named(self, claim: Object) -> None:
        """The claim asks for one volume by its name."""
        name = claim["spec"]["volumeName"]
        volume = self._storage.volumes.get("", name)
        if volume is None:
            await self._storage.set_claim_phase(claim, "Pending")
        elif volume["spec"].get("claimRef") is None:
            if (problem := matching.mismatch(volume, claim)) is None:
                return await bind(self._storage, volume, claim)
            message = f'Cannot bind to requested volume "{name}": {problem}'
            self._storage.tell(claim, "Warning", "VolumeMismatch", message)
            await self._storage.set_claim_phase(claim, "Pending")
        elif facts.is_bound_to(volume, claim):
            return await bind(self._storage, volume, claim)
        else:
            message = f'volume "{name}" already bound to a different claim.'
            self._storage.tell(claim, "Warning", "FailedBinding", message)
            await self._storage.set_claim_phase(claim, "Pending")
        return None

    async def _find(self, claim: Object) -> None:
        delayed = facts.waits_for_consumer(self._storage.class_named(facts.class_of(claim)))
        volume = matching.find(claim, self._storage.volumes.items(), only_own=delayed)
        if volume is not None:
            return await bind(self._storage, volume, claim)
        if not facts.names_class(claim) and (default := facts.default_class(self._storage.classes())):
            # Its class came after the claim; the change brings the claim here again.
            await self._storage.save_claim(facts.dirty(claim, storageClassName=default["metadata"]["name"]))
            return None
        if delayed and facts.SELECTED_NODE not in facts.marks(claim):
            self._tell_wait(claim)
        elif facts.class_of(claim):
            claim = await self._ask_provisioner(claim)
        else:
            self._storage.tell(claim, "Normal", "FailedBinding", NOTHING_FITS)
        await self._storage.set_claim_phase(claim, "Pending")
        return None

    def _tell_wait(self, claim: Object) -> None:
        waiting = [
            pod["metadata"]["name"]
            for pod in self._users(claim)
            if not pod["spec"].get("nodeName") and not pods.is_finished(pod)
        ]
        if waiting:
            names = ",".join(sorted(waiting))
            message = f"waiting for pod {names} to be scheduled"
            self._storage.tell(claim, "Normal", "WaitForPodScheduled", message)
        else:
            self._storage.tell(claim, "Normal", "WaitForFirstConsumer", WAITS_FOR_CONSUMER)

    async def _ask_provisioner(self, claim: Object) -> Object:
        """Name who is to make the volume; the provisioners watch for their name."""
        name = facts.class_of(claim)
        class_ = self._storage.class_named(name)
        if class_ is None:
            message = f'storageclass.storage.k8s.io "{name}" not found'
            self._storage.tell(claim, "Warning", "ProvisioningFailed", message)
            return claim
        provisioner = class_["provisioner"]
        if provisioner.startswith(_IN_TREE):
            message = f"no volume plugin matched name: {provisioner}"
            self._storage.tell(claim, "Warning", "ProvisioningFailed", message)
            return claim
        marks = {facts.PROVISIONER: provisioner, facts.PROVISIONER_BEFORE: provisioner}
        if not marks.items() <= facts.marks(claim).items():
            claim = await self._storage.save_claim(facts.annotated(claim, **marks))
        self._storage.tell(claim, "Normal", "ExternalProvisioning", _EXTERNAL.format(provisioner))
        return claim
