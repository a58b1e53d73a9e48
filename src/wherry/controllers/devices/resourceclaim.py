"""Claims for devices: made for pods from templates; users that are over struck off; devices given back after the last.

Source: k8s.io/kubernetes pkg/controller/resourceclaim.
"""

from __future__ import annotations

from typing import NamedTuple

from wherry.api.errors import NotFound, StatusError
from wherry.api.resources import lookup
from wherry.api.types import Object
from wherry.controllers import owners, pods
from wherry.controllers.context import Context
from wherry.controllers.controller import Workers
from wherry.policy.devices import claims as facts

CLAIMS = lookup("resourceclaims.resource.k8s.io")
TEMPLATES = lookup("resourceclaimtemplates.resource.k8s.io")


class Item(NamedTuple):
    """A pod or a claim."""

    kind: str
    namespace: str
    name: str


class ResourceClaimController:
    """A component; see the module."""

    name = "resource-claim-controller"

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder("resource_claim")
        informers = context.informers
        self._pods, self._claims = informers.informer("pods"), informers.informer(CLAIMS)
        self._templates = informers.informer(TEMPLATES)
        self._claims.add_index("controller", owners.controller_index)
        self.loop: Workers[Item] = Workers(
            self.name,
            self._reconcile,
            clock=context.clock,
            needs=(self._pods, self._claims, self._templates),
            log=context.log,
            workers=context.config.workers_by_controller.get(self.name, context.config.workers),
        )
        self._pods.add_handler(self._pod_seen, lambda old, new: self._pod_seen(new), self._pod_seen)
        self._claims.add_handler(self._claim_seen, lambda old, new: self._claim_seen(new), self._claim_gone)
        self._templates.add_handler(self._template_seen)

    async def run(self) -> None:
        await self.loop.run()

    def _pod_seen(self, pod: Object) -> None:
        if "resourceClaims" not in pod["spec"]:
            return
        metadata = pod["metadata"]
        self.loop.queue.add(Item("pod", metadata["namespace"], metadata["name"]))
        for _, name, _ in facts.named(pod):
            if name is not None:
                self.loop.queue.add(Item("claim", metadata["namespace"], name))

    def _claim_seen(self, claim: Object) -> None:
        self.loop.queue.add(Item("claim", claim["metadata"]["namespace"], claim["metadata"]["name"]))

    def _claim_gone(self, claim: Object) -> None:
        """Its pod may want another one."""
        for owner in claim["metadata"].get("ownerReferences") or ():
            if owner["kind"] == "Pod":
                self.loop.queue.add(Item("pod", claim["metadata"]["namespace"], owner["name"]))

    def _template_seen(self, template: Object) -> None:
        for pod in self._pods.in_namespace(template["metadata"]["namespace"]):
            self._pod_seen(pod)

    async def _reconcile(self, item: Item) -> None:
        if item.kind == "pod":
            if (pod := self._pods.get(item.namespace, item.name)) is not None and not _is_over(pod):
                await self._provide(pod)
        elif (claim := self._claims.get(item.namespace, item.name)) is not None:
            await self._clean(claim)

    # A pod that wants claims of its own.

    async def _provide(self, pod: Object) -> None:
        known = (pod.get("status") or {}).get("resourceClaimStatuses") or []
        names = {status["name"] for status in known}
        made: list[Object] = []
        for wanted in pod["spec"]["resourceClaims"]:
            if wanted.get("resourceClaimTemplateName") and wanted["name"] not in names:
                claim = self._found(pod, wanted["name"]) or await self._make(pod, wanted)
                made.append({"name": wanted["name"], "resourceClaimName": claim["metadata"]["name"]})
        if made:
            metadata = pod["metadata"]
            patch = {"metadata": {"uid": metadata["uid"]}, "status": {"resourceClaimStatuses": [*known, *made]}}
            where = {"namespace": metadata["namespace"], "subresource": "status"}
            await self._client.patch("pods", metadata["name"], patch, **where)

    def _found(self, pod: Object, pod_claim: str) -> Object | None:
        """One that was made before its name could be written down."""
        for claim in self._claims.by_index("controller", pod["metadata"]["uid"]):
            if (claim["metadata"].get("annotations") or {}).get(facts.POD_CLAIM) == pod_claim:
                return claim
        return None

    async def _make(self, pod: Object, wanted: Object) -> Object:
        """Raises the server's errors, after the event FailedResourceClaimCreation."""
        namespace, name = pod["metadata"]["namespace"], wanted["resourceClaimTemplateName"]
        try:
            template = await self._client.get(TEMPLATES, name, namespace=namespace)
            return await self._client.create(CLAIMS, _claim_for(pod, wanted["name"], template))
        except StatusError as error:
            what = f'resource claim template "{name}": ' if isinstance(error, NotFound) else ""
            message = f"PodResourceClaim {wanted['name']}: {what}{error}"
            self._recorder.event(pod, "Warning", "FailedResourceClaimCreation", message)
            raise

    # A claim whose users may be over.

    async def _clean(self, claim: Object) -> None:
        users = facts.reserved_for(claim)
        left = [user for user in users if await self._uses(claim, user)]
        if len(left) < len(users) or (not users and facts.allocation(claim) is not None):
            claim = await self._strike_off(claim, left)
        if facts.allocation(claim) is None and facts.FINALIZER in (claim["metadata"].get("finalizers") or ()):
            kept = [name for name in claim["metadata"]["finalizers"] if name != facts.FINALIZER]
            claim = await self._client.update(CLAIMS, {**claim, "metadata": {**claim["metadata"], "finalizers": kept}})
        await self._remove_after_pod(claim)

    async def _strike_off(self, claim: Object, left: list[Object]) -> Object:
        status = {key: value for key, value in (claim.get("status") or {}).items() if key != "reservedFor"}
        if left:
            status["reservedFor"] = left
        elif facts.FINALIZER in (claim["metadata"].get("finalizers") or ()):
            # The scheduler gave the devices; nobody needs them now.
            status.pop("allocation", None)
            status.pop("devices", None)
        if status == claim.get("status"):
            return claim
        return await self._client.update(CLAIMS, {**claim, "status": status}, subresource="status")

    async def _uses(self, claim: Object, user: Object) -> bool:
        if user.get("resource") != "pods" or user.get("apiGroup"):
            return True
        namespace = claim["metadata"]["namespace"]
        pod = self._pods.get(namespace, user["name"])
        if pod is None or pod["metadata"]["uid"] != user["uid"]:
            try:
                pod = await self._client.get("pods", user["name"], namespace=namespace)
            except NotFound:
                return False
        return pod["metadata"]["uid"] == user["uid"] and not _is_over(pod)

    async def _remove_after_pod(self, claim: Object) -> None:
        """Claims made for a pod go when it is over, not only when it is deleted."""
        metadata = claim["metadata"]
        owner = next((r for r in metadata.get("ownerReferences") or () if r.get("controller")), None)
        if owner is None or owner["kind"] != "Pod" or metadata.get("deletionTimestamp"):
            return
        pod = self._pods.get(metadata["namespace"], owner["name"])
        if pod is not None and pod["metadata"]["uid"] == owner["uid"] and _is_over(pod):
            try:
                await self._client.delete(
                    CLAIMS, metadata["name"], namespace=metadata["namespace"], uid=metadata["uid"]
                )
            except NotFound:
                return


def _is_over(pod: Object) -> bool:
    """Finished, or deleted before it was placed."""
    never = bool(pod["metadata"].get("deletionTimestamp")) and not pod["spec"].get("nodeName")
    return pods.is_finished(pod) or never


def _claim_for(pod: Object, pod_claim: str, template: Object) -> Object:
    given = template["spec"].get("metadata") or {}
    metadata: Object = {
        "generateName": f"{pod['metadata']['name']}-{pod_claim}-",
        "namespace": pod["metadata"]["namespace"],
        "annotations": {**(given.get("annotations") or {}), facts.POD_CLAIM: pod_claim},
        "ownerReferences": [owners.controller_reference(pod, lookup("pods"))],
    }
    if given.get("labels"):
        metadata["labels"] = given["labels"]
    return {"metadata": metadata, "spec": template["spec"]["spec"]}
