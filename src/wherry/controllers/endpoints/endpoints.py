"""The Endpoints object of services that select pods: deprecated, but kubectl and many others still read it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from wherry.api.errors import AlreadyExists, Conflict, NotFound
from wherry.api.types import Object
from wherry.client.informer import Key
from wherry.controllers import pods
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop
from wherry.controllers.endpoints import addresses
from wherry.controllers.endpoints.selected import ServicesOfPods
from wherry.controllers.endpoints.slices import HEADLESS
from wherry.controllers.selection import by_labels

MAX_ADDRESSES = 1000
OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity"
MANAGED_BY = "endpoints.kubernetes.io/managed-by"
MANAGER = "endpoint-controller"


def subsets(service: Object, selected: Iterable[Object]) -> list[Object]:
    """The addresses, ready and not, put together by the ports that they offer."""
    tolerate = bool(service["spec"].get("publishNotReadyAddresses"))
    groups: dict[Hashable, Object] = {}
    for pod in selected:
        found = addresses.pod_addresses(pod, addresses.families(service)[0])
        ports = addresses.ports(service, pod)
        if not found or not addresses.belongs(pod, terminating=tolerate):
            continue
        if not ports and (service["spec"].get("ports") or not addresses.is_headless(service)):
            continue
        key = tuple((port["name"], port["port"], port["protocol"], port.get("appProtocol")) for port in ports)
        group = groups.setdefault(key, {"addresses": [], "notReadyAddresses": [], "ports": _named(ports)})
        ready = tolerate or pods.is_ready(pod)
        group["addresses" if ready else "notReadyAddresses"].append(_address(pod, service, found[0]))
    return [_tidy(group) for _, group in sorted(groups.items(), key=lambda item: str(item[0]))]


def _named(ports: list[Object]) -> list[Object]:
    return [{name: value for name, value in port.items() if value != ""} for port in ports]


def _address(pod: Object, service: Object, ip: str) -> Object:
    result: Object = {"ip": ip}
    if name := addresses.hostname(pod, service):
        result["hostname"] = name
    if pod["spec"].get("nodeName"):
        result["nodeName"] = pod["spec"]["nodeName"]
    return {**result, "targetRef": addresses.target(pod)}


def _tidy(group: Object) -> Object:
    for name in ("addresses", "notReadyAddresses"):
        group[name].sort(key=lambda address: (address["ip"], address["targetRef"]["uid"]))
    return {name: value for name, value in group.items() if value}


def truncated(found: list[Object]) -> tuple[list[Object], bool]:
    """At most `MAX_ADDRESSES` in all, ready ones first; tells whether any were left out."""
    total = sum(len(s.get("addresses", ())) + len(s.get("notReadyAddresses", ())) for s in found)
    if total <= MAX_ADDRESSES:
        return found, False
    room, result = MAX_ADDRESSES, [dict(subset) for subset in found]
    for name in ("addresses", "notReadyAddresses"):
        for subset in result:
            kept = subset.pop(name, [])[:room]
            room -= len(kept)
            if kept:
                subset[name] = kept
    return [subset for subset in result if "addresses" in subset or "notReadyAddresses" in subset], True


class EndpointsController:
    """A component; see the module."""

    name = "endpoints"

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder("endpoint-controller")
        self._services = context.informers.informer("services")
        self._pods = context.informers.informer("pods")
        self._endpoints = context.informers.informer("endpoints")
        self._sizes: dict[Key, int] = {}
        self.loop = Loop(
            self.name,
            self._reconcile,
            clock=context.clock,
            needs=(self._services, self._pods, self._endpoints),
            log=context.log,
            workers=context.config.workers_by_controller.get(self.name, context.config.workers),
        )
        self.loop.follow(self._services)
        ServicesOfPods(self._services, self._pods, self.loop.queue, self._sizes)
        self.loop.follow(self._endpoints)

    async def run(self) -> None:
        await self.loop.run()

    async def _reconcile(self, key: Key) -> None:
        service, current = self._services.get(*key), self._endpoints.get(*key)
        if service is None:
            self._sizes.pop(key, None)
            await self._delete(current)
            return
        if not addresses.has_selector(service):
            return
        wanted = self._wanted(service, current)
        if current is None:
            await self._create(service, wanted)
        elif _differs(current, wanted):
            try:
                await self._client.update("endpoints", wanted)
            except NotFound as error:
                raise Conflict(str(error)) from error

    async def _delete(self, current: Object | None) -> None:
        """The service is gone. Endpoints that were made by hand for no service stay."""
        if current is None or MANAGED_BY not in (current["metadata"].get("labels") or {}):
            return
        metadata = current["metadata"]
        try:
            await self._client.delete("endpoints", metadata["name"], namespace=metadata["namespace"])
        except NotFound:
            return

    async def _create(self, service: Object, wanted: Object) -> None:
        try:
            await self._client.create("endpoints", wanted)
        except AlreadyExists as error:
            raise Conflict(str(error)) from error
        except Exception as error:
            message = f"Failed to create endpoint for service {'/'.join(_name(service))}: {error}"
            self._recorder.event(service, "Warning", "FailedToCreateEndpoint", message)
            raise

    def _wanted(self, service: Object, current: Object | None) -> Object:
        matches = by_labels(service["spec"]["selector"])
        namespace, name = _name(service)
        found = self._pods.in_namespace(namespace)
        selected = [pod for pod in found if matches(pod["metadata"].get("labels") or {})]
        self._sizes[namespace, name] = len(selected)
        packed, over = truncated(subsets(service, selected))
        labels = {**(service["metadata"].get("labels") or {}), MANAGED_BY: MANAGER}
        labels.pop(HEADLESS, None)
        if addresses.is_headless(service):
            labels[HEADLESS] = ""
        base = current or {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": name, "namespace": namespace}}
        annotations = {k: v for k, v in (base["metadata"].get("annotations") or {}).items() if k != OVER_CAPACITY}
        if over:
            annotations[OVER_CAPACITY] = "truncated"
        metadata = {**base["metadata"], "labels": labels, "annotations": annotations}
        if not annotations:
            del metadata["annotations"]
        return {**base, "metadata": metadata, "subsets": packed}


def _name(obj: Object) -> Key:
    return obj["metadata"]["namespace"], obj["metadata"]["name"]


def _differs(current: Object, wanted: Object) -> bool:
    return current["metadata"] != wanted["metadata"] or (current.get("subsets") or []) != wanted["subsets"]
