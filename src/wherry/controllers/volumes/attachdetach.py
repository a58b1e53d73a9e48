"""VolumeAttachments: a CSI volume is attached to the node of the pods that use it, and detached after the last of them.

For each volume and node that belong together there is one VolumeAttachment, which the driver's attacher carries out; what
is attached is told in the node's status, where its kubelet reads it. Drivers whose CSIDriver says `attachRequired: false`
get none. Source: k8s.io/kubernetes pkg/controller/volume/attachdetach, pkg/volume/csi/csi_attacher.go.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from wherry.api.errors import AlreadyExists, NotFound
from wherry.api.resources import lookup
from wherry.api.types import Object
from wherry.controllers import pods
from wherry.controllers.context import Context
from wherry.controllers.controller import Retry, Workers
from wherry.controllers.volumes.store import CLAIMS, VOLUMES
from wherry.policy.volumes import facts

ATTACHMENTS = lookup("volumeattachments.storage.k8s.io")
DRIVERS = lookup("csidrivers.storage.k8s.io")
FORCE_SECONDS = 360.0
"""How long a node may say that a volume is in use after its last pod; then it is detached all the same."""
_EXCLUSIVE = frozenset({"ReadWriteOnce", "ReadWriteOncePod"})


class Item(NamedTuple):
    """What is attached; what is attached to a node is written down under an empty volume."""

    node: str
    volume: str


def attachment_name(driver: str, handle: str, node: str) -> str:
    return "csi-" + hashlib.sha256(f"{handle}{driver}{node}".encode()).hexdigest()


def device_name(volume: Object) -> str:
    """As nodes call it."""
    source = volume["spec"]["csi"]
    return f"kubernetes.io/csi/{source['driver']}^{source['volumeHandle']}"


class AttachDetachController:
    """A component; see the module."""

    name = "attachdetach"

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._clock = context.clock
        self._recorder = context.recorder("attachdetach-controller")
        informers = context.informers
        self._pods, self._nodes = informers.informer("pods"), informers.informer("nodes")
        self._claims, self._volumes = informers.informer(CLAIMS), informers.informer(VOLUMES)
        self._attachments, self._drivers = informers.informer(ATTACHMENTS), informers.informer(DRIVERS)
        self._pods.add_index("node", lambda pod: (pod["spec"].get("nodeName", ""),))
        self._unused_since: dict[Item, float] = {}
        self.loop: Workers[Item] = Workers(
            self.name,
            self._reconcile,
            clock=context.clock,
            needs=(self._pods, self._nodes, self._claims, self._volumes, self._attachments, self._drivers),
            log=context.log,
            workers=context.config.workers_by_controller.get(self.name, context.config.workers),
        )
        self._pods.add_handler(self._pod_seen, lambda old, new: self._pod_seen(new), self._pod_seen)
        self._claims.add_handler(None, lambda old, new: self._claim_changed(new))
        self._attachments.add_handler(self._seen, lambda old, new: self._seen(new), self._seen)
        self._nodes.add_handler(None, self._node_changed)

    async def run(self) -> None:
        await self.loop.run()

    # What happened.

    def _pod_seen(self, pod: Object) -> None:
        node = pod["spec"].get("nodeName")
        for volume in self._volumes_of(pod) if node else ():
            self.loop.queue.add(Item(node, volume["metadata"]["name"]))

    def _claim_changed(self, claim: Object) -> None:
        volume = self._csi(claim)
        for pod in self._pods.in_namespace(claim["metadata"]["namespace"]) if volume is not None else ():
            self._pod_seen(pod)

    def _seen(self, attachment: Object) -> None:
        spec = attachment["spec"]
        if name := spec["source"].get("persistentVolumeName"):
            self.loop.queue.add(Item(spec["nodeName"], name))
        self.loop.queue.add(Item(spec["nodeName"], ""))

    def _node_changed(self, old: Object, new: Object) -> None:
        """Volumes that are no longer in use can be detached."""
        if _in_use(old) != _in_use(new):
            for attachment in self._on(new["metadata"]["name"]):
                self._seen(attachment)

    # What is.

    def _volumes_of(self, pod: Object) -> list[Object]:
        namespace = pod["metadata"]["namespace"]
        claims = (self._claims.get(namespace, name) for _, name, _ in facts.claims_of(pod))
        return [volume for claim in claims if claim is not None and (volume := self._csi(claim)) is not None]

    def _csi(self, claim: Object) -> Object | None:
        """The claim's volume, if a driver has to attach it."""
        volume = self._volumes.get("", claim["spec"].get("volumeName") or "")
        if volume is None or "csi" not in volume["spec"] or not facts.is_bound_to(volume, claim):
            return None
        driver = self._drivers.get("", volume["spec"]["csi"]["driver"])
        return volume if driver is None or driver["spec"].get("attachRequired", True) else None

    def _on(self, node: str) -> list[Object]:
        return [each for each in self._attachments.items() if each["spec"]["nodeName"] == node]

    def _users(self, item: Item) -> list[Object]:
        return [
            pod
            for pod in self._pods.by_index("node", item.node)
            if not pods.is_finished(pod)
            and any(volume["metadata"]["name"] == item.volume for volume in self._volumes_of(pod))
        ]

    def _of(self, item: Item) -> Object | None:
        for each in self._on(item.node):
            if each["spec"]["source"].get("persistentVolumeName") == item.volume:
                return each
        return None

    # What is to be done.

    async def _reconcile(self, item: Item) -> None:
        if not item.volume:
            return await self._tell_node(item.node)
        users, attachment = self._users(item), self._of(item)
        if users:
            self._unused_since.pop(item, None)
            if attachment is None:
                return await self._attach(item, users)
            return self._tell(item, attachment, users)
        if attachment is not None and not attachment["metadata"].get("deletionTimestamp"):
            await self._detach(item, attachment)
        return None

    async def _attach(self, item: Item, users: list[Object]) -> None:
        volume = self._volumes.get("", item.volume)
        if volume is None:
            return
        if other := self._holder(volume, item.node):
            message = (
                f'Multi-Attach error for volume "{item.volume}" Volume is already exclusively attached to one node '
                "and can't be attached to another"
            )
            for pod in users:
                self._recorder.event(pod, "Warning", "FailedAttachVolume", message)
            self.loop.queue.add(Item(other, item.volume))
            raise Retry(10.0)
        source = volume["spec"]["csi"]
        name = attachment_name(source["driver"], source["volumeHandle"], item.node)
        spec = {
            "attacher": source["driver"],
            "nodeName": item.node,
            "source": {"persistentVolumeName": item.volume},
        }
        try:
            await self._client.create(ATTACHMENTS, {"metadata": {"name": name}, "spec": spec})
        except AlreadyExists:
            return

    def _holder(self, volume: Object, node: str) -> str | None:
        """Another node that has a volume which only one may have."""
        if not set(volume["spec"].get("accessModes") or ()) <= _EXCLUSIVE:
            return None
        for each in self._attachments.items():
            spec = each["spec"]
            if spec["source"].get("persistentVolumeName") == volume["metadata"]["name"] and spec["nodeName"] != node:
                return str(spec["nodeName"])
        return None

    def _tell(self, item: Item, attachment: Object, users: list[Object]) -> None:
        status = attachment.get("status") or {}
        for pod in users:
            if status.get("attached") and pods.phase(pod) == "Pending":
                text = f'AttachVolume.Attach succeeded for volume "{item.volume}"'
                self._recorder.event(pod, "Normal", "SuccessfulAttachVolume", text)
            elif (error := status.get("attachError")) is not None:
                text = f'AttachVolume.Attach failed for volume "{item.volume}" : {error.get("message", "")}'
                self._recorder.event(pod, "Warning", "FailedAttachVolume", text)

    async def _detach(self, item: Item, attachment: Object) -> None:
        """Not while the node says that it uses the volume; but no node can hold it for ever."""
        node, volume = self._nodes.get("", item.node), self._volumes.get("", item.volume)
        if node is not None and volume is not None and device_name(volume) in _in_use(node):
            since = self._unused_since.setdefault(item, self._clock.monotonic())
            left = since + FORCE_SECONDS - self._clock.monotonic()
            if left > 0:
                raise Retry(left)
        self._unused_since.pop(item, None)
        try:
            await self._client.delete(ATTACHMENTS, attachment["metadata"]["name"], uid=attachment["metadata"]["uid"])
        except NotFound:
            return

    async def _tell_node(self, name: str) -> None:
        """`status.volumesAttached` of the node."""
        node = self._nodes.get("", name)
        if node is None:
            return
        attached = []
        for each in sorted(self._on(name), key=lambda one: one["metadata"]["name"]):
            status = each.get("status") or {}
            volume = self._volumes.get("", each["spec"]["source"].get("persistentVolumeName") or "")
            if status.get("attached") and volume is not None and "csi" in volume["spec"]:
                path = (status.get("attachmentMetadata") or {}).get("devicePath", "")
                attached.append({"name": device_name(volume), "devicePath": path})
        if attached != ((node.get("status") or {}).get("volumesAttached") or []):
            patch = {"status": {"volumesAttached": attached or None}}
            await self._client.patch("nodes", name, patch, subresource="status")


def _in_use(node: Object) -> list[str]:
    return (node.get("status") or {}).get("volumesInUse") or []
