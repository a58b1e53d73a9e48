"""The cluster's CA in every namespace, as the config map `kube-root-ca.crt` that pods' tokens are projected with."""

from __future__ import annotations

from wherry.api.errors import AlreadyExists, NotFound
from wherry.api.types import Object
from wherry.client.informer import Key
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop
from wherry.controllers.pod_control import namespace_terminating
from wherry.controllers.serviceaccount import is_active

NAME = "kube-root-ca.crt"
DESCRIPTION = "kubernetes.io/description"
TEXT = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the "
    "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes "
    "clusters."
)


class RootCAController:
    """A component; see the module. Without a CA in the configuration it publishes nothing."""

    name = "root-ca-certificate-publisher"

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._data = {"ca.crt": context.config.root_ca}
        self._namespaces = context.informers.informer("namespaces")
        self._maps = context.informers.informer("configmaps", field_selector=f"metadata.name={NAME}")
        self.loop = Loop(
            self.name,
            self._reconcile,
            clock=context.clock,
            needs=(self._namespaces, self._maps),
            log=context.log,
            workers=context.config.workers_by_controller.get(self.name, context.config.workers),
        )
        self._namespaces.add_handler(self.loop.enqueue, lambda old, new: self.loop.enqueue(new))
        self._maps.add_handler(None, lambda old, new: self._map_changed(new), self._map_changed)

    async def run(self) -> None:
        await self.loop.run()

    def _map_changed(self, found: Object) -> None:
        self.loop.queue.add(("", found["metadata"]["namespace"]))

    async def _reconcile(self, key: Key) -> None:
        namespace = self._namespaces.get(*key)
        if not self._data["ca.crt"] or namespace is None or not is_active(namespace):
            return
        current = self._maps.get(key[1], NAME)
        try:
            if current is None:
                await self._create(key[1])
            else:
                await self._correct(current)
        except (AlreadyExists, NotFound):
            return
        except Exception as error:
            if not namespace_terminating(error):
                raise

    async def _create(self, namespace: str) -> None:
        metadata = {"name": NAME, "namespace": namespace, "annotations": {DESCRIPTION: TEXT}}
        await self._client.create("configmaps", {"metadata": metadata, "data": self._data})

    async def _correct(self, current: Object) -> None:
        annotations = current["metadata"].get("annotations") or {}
        if current.get("data") == self._data and annotations.get(DESCRIPTION):
            return
        metadata = {**current["metadata"], "annotations": {**annotations, DESCRIPTION: TEXT}}
        changed = {**current, "metadata": metadata, "data": self._data}
        changed.pop("binaryData", None)
        await self._client.update("configmaps", changed)
