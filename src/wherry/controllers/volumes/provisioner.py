"""`wherry.dev/local`: volumes of the class `standard`, a directory each on the node that the pod is placed on.

It behaves as external provisioners do (sig-storage-lib-external-provisioner): it makes what the binder asks for, and
removes volumes that are released and whose policy says so. Sizes are written down, not enforced: a directory can grow
until the machine's disk is full. A volume that many nodes may use is reachable from all of them, because they are on one
machine.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from wherry.api.errors import AlreadyExists, NotFound
from wherry.api.types import Object
from wherry.controllers import node_health
from wherry.controllers.context import Context
from wherry.controllers.controller import Retry, Workers
from wherry.controllers.volumes.directories import Directories
from wherry.controllers.volumes.store import CLAIMS, CLASSES, VOLUMES
from wherry.controllers.volumes.volume_object import NODE, NotPossible, check, volume_for
from wherry.policy.volumes import facts, topology

NAME = "wherry.dev/local"
FINALIZER = "external-provisioner.volume.kubernetes.io/finalizer"
AGAIN_SECONDS = 15.0


class Item(NamedTuple):
    """A claim, or a volume (without namespace)."""

    namespace: str
    name: str


class LocalProvisioner:
    """A component; see the module."""

    name = "local-provisioner"

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder(NAME)
        self._directories = Directories(context.config.volume_root)
        informers = context.informers
        self._claims, self._volumes = informers.informer(CLAIMS), informers.informer(VOLUMES)
        self._classes, self._nodes = informers.informer(CLASSES), informers.informer("nodes")
        self.loop: Workers[Item] = Workers(
            self.name,
            self._reconcile,
            clock=context.clock,
            needs=(self._claims, self._volumes, self._classes, self._nodes),
            log=context.log,
            workers=context.config.workers_by_controller.get(self.name, context.config.workers),
        )
        self._claims.add_handler(self._claim_seen, lambda old, new: self._claim_seen(new))
        self._volumes.add_handler(self._volume_seen, lambda old, new: self._volume_seen(new))

    async def run(self) -> None:
        await self.loop.run()

    def _claim_seen(self, claim: Object) -> None:
        if facts.marks(claim).get(facts.PROVISIONER) == NAME and not claim["spec"].get("volumeName"):
            self.loop.queue.add(Item(claim["metadata"]["namespace"], claim["metadata"]["name"]))

    def _volume_seen(self, volume: Object) -> None:
        if facts.marks(volume).get(facts.PROVISIONED_BY) == NAME:
            self.loop.queue.add(Item("", volume["metadata"]["name"]))

    async def _reconcile(self, item: Item) -> None:
        if not item.namespace:
            if (volume := self._volumes.get(*item)) is not None:
                await self._keep(volume)
        elif (claim := self._claims.get(*item)) is not None:
            await self._provide(claim)

    # A claim that waits for its volume.

    async def _provide(self, claim: Object) -> None:
        metadata, class_ = claim["metadata"], self._classes.get("", facts.class_of(claim))
        if metadata.get("deletionTimestamp") or claim["spec"].get("volumeName") or class_ is None:
            return
        selected = facts.marks(claim).get(facts.SELECTED_NODE, "")
        if class_["provisioner"] != NAME or (facts.waits_for_consumer(class_) and not selected):
            return
        message = f'External provisioner is provisioning volume for claim "{metadata["namespace"]}/{metadata["name"]}"'
        self._recorder.event(claim, "Normal", "Provisioning", message)
        try:
            check(claim, class_)
            node = self._node_named(selected) if selected else self._any_node(class_)
            await self._make(claim, class_, node)
        except _NodeGone as error:
            self._tell_failure(claim, class_, str(error))
            await self._place_again(claim)
        except NotPossible as error:
            self._tell_failure(claim, class_, str(error))
            raise Retry(AGAIN_SECONDS) from error
        except OSError as error:
            self._tell_failure(claim, class_, f"cannot make its directory: {error}")
            raise Retry(AGAIN_SECONDS) from error

    def _tell_failure(self, claim: Object, class_: Object, problem: str) -> None:
        message = f'failed to provision volume with StorageClass "{class_["metadata"]["name"]}": {problem}'
        self._recorder.event(claim, "Warning", "ProvisioningFailed", message)

    def _node_named(self, name: str) -> Object:
        node = self._nodes.get("", name)
        if node is None:
            raise _NodeGone(f'failed to get target node: node "{name}" not found')
        return node

    def _any_node(self, class_: Object) -> Object:
        """The node with the fewest volumes, for classes that do not wait for a pod; real ones and open ones before others."""
        taken = [facts.marks(volume).get(NODE) for volume in self._volumes.items()]
        candidates = [
            node
            for node in self._nodes.items()
            if node_health.is_ready(node) and topology.allowed(class_, node["metadata"].get("labels") or {})
        ]
        if not candidates:
            raise NotPossible("no node is ready where the class allows volumes")

        def cost(node: Object) -> tuple[bool, bool, int, str]:
            name = node["metadata"]["name"]
            return _is_closed(node), self._directories.pretends(name), taken.count(name), name

        return min(candidates, key=cost)

    async def _make(self, claim: Object, class_: Object, node: Object) -> None:
        name = f"pvc-{claim['metadata']['uid']}"
        path = self._directories.make(node["metadata"]["name"], name)
        volume = volume_for(claim, class_, node, name=name, path=str(path), provisioner=NAME, finalizer=FINALIZER)
        try:
            await self._client.create(VOLUMES, volume)
        except AlreadyExists:
            return
        self._recorder.event(claim, "Normal", "ProvisioningSucceeded", f"Successfully provisioned volume {name}")

    async def _place_again(self, claim: Object) -> None:
        """The scheduler is to choose another node."""
        await self._client.update(CLAIMS, facts.annotated(claim, **{facts.SELECTED_NODE: None}))

    # A volume that was made here.

    async def _keep(self, volume: Object) -> None:
        policy = volume["spec"].get("persistentVolumeReclaimPolicy")
        if policy != "Delete":
            await self._let_go(volume)
        elif facts.phase(volume) in ("Released", "Failed"):
            await self._delete(volume)
        elif FINALIZER not in _finalizers(volume) and not volume["metadata"].get("deletionTimestamp"):
            await self._finalize(volume, [*_finalizers(volume), FINALIZER])

    async def _delete(self, volume: Object) -> None:
        metadata = volume["metadata"]
        path = Path((volume["spec"].get("local") or {}).get("path") or "/")
        try:
            await self._directories.remove(facts.marks(volume).get(NODE, ""), metadata["name"], path)
        except OSError as error:
            self._recorder.event(volume, "Warning", "VolumeFailedDelete", str(error))
            raise
        try:
            if not metadata.get("deletionTimestamp"):
                await self._client.delete(VOLUMES, metadata["name"], uid=metadata["uid"])
            current = await self._client.get(VOLUMES, metadata["name"])
            await self._let_go(current)
        except NotFound:
            return

    async def _let_go(self, volume: Object) -> None:
        kept = [name for name in _finalizers(volume) if name != FINALIZER]
        if kept != _finalizers(volume):
            await self._finalize(volume, kept)

    async def _finalize(self, volume: Object, finalizers: list[str]) -> None:
        await self._client.update(VOLUMES, {**volume, "metadata": {**volume["metadata"], "finalizers": finalizers}})


class _NodeGone(Exception):
    """The node that the scheduler chose is not there any more."""


def _is_closed(node: Object) -> bool:
    """Whether most pods cannot go there."""
    spec = node.get("spec") or {}
    return bool(spec.get("unschedulable")) or any(
        t.get("effect") != "PreferNoSchedule" for t in spec.get("taints") or ()
    )


def _finalizers(obj: Object) -> list[str]:
    return obj["metadata"].get("finalizers") or []
