"""EndpointSlices of services that select pods."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wherry.api.resources import lookup
from wherry.api.types import Object
from wherry.client.informer import Key
from wherry.controllers import conditions, owners
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop, Retry
from wherry.controllers.damping import pause
from wherry.controllers.endpoints import addresses, slices, topology
from wherry.controllers.endpoints.selected import ServicesOfPods
from wherry.controllers.endpoints.slice_writer import RESOURCE, SliceWriter
from wherry.controllers.selection import by_labels

MANAGER = "endpointslice-controller.k8s.io"
NODE_MISSING_RETRY_SECONDS = 1.0
STALE_RETRY_SECONDS = 5.0


class EndpointSliceController:
    """A component; see the module."""

    name = "endpointslice"

    def __init__(self, context: Context) -> None:
        self._services = context.informers.informer("services")
        self._pods = context.informers.informer("pods")
        self._nodes = context.informers.informer("nodes")
        self._slices = context.informers.informer(RESOURCE)
        self._slices.add_index("service", service_index)
        self._recorder = context.recorder("endpoint-slice-controller")
        self._hinted: dict[Key, tuple[str, str, str]] = {}
        """Services that ask for hints by zone, with the event that was told last."""
        self._sizes: dict[Key, int] = {}
        self._writer = SliceWriter(context.client, context.clock, self._slices)
        self.loop = Loop(
            self.name,
            self._reconcile,
            clock=context.clock,
            needs=(self._services, self._pods, self._nodes, self._slices),
            log=context.log,
            workers=context.config.workers_by_controller.get(self.name, context.config.workers),
        )
        self.loop.follow(self._services)
        self._nodes.add_handler(
            lambda node: self._node_changed(None, node), self._node_changed, lambda node: self._node_changed(node, None)
        )
        ServicesOfPods(self._services, self._pods, self.loop.queue, self._sizes)
        self._slices.add_handler(self._slice_seen, lambda old, new: self._slice_seen(new), self._slice_gone)

    async def run(self) -> None:
        await self.loop.run()

    def _slice_seen(self, found: Object) -> None:
        """Our own writes come back here; what differs from them was somebody else's and is put right."""
        if (service := service_of(found, MANAGER)) is not None:
            self._writer.seen(service, found)
            self.loop.queue.add_after(service, pause(self._sizes.get(service, 0)))

    def _slice_gone(self, found: Object) -> None:
        if (service := service_of(found, MANAGER)) is not None:
            self._writer.forget(service, found["metadata"]["name"])
            self.loop.queue.add(service)

    async def _reconcile(self, key: Key) -> None:
        service = self._services.get(*key)
        if service is None or service["metadata"].get("deletionTimestamp") or not addresses.has_selector(service):
            self._sizes.pop(key, None)
            self._hinted.pop(key, None)
            return
        if not self._writer.is_current(key):
            raise Retry(STALE_RETRY_SECONDS)
        selected = list(self._selected(service))
        self._sizes[key] = len(selected)
        groups = slices.grouped(self._endpoints(service, selected))
        self._hint(key, service, groups.values())
        existing = [s for s in self._slices.by_index("service", "/".join(key)) if service_of(s, MANAGER)]
        reference = owners.controller_reference(service, lookup("services"))
        labels = service["metadata"].get("labels") or {}
        template = slices.template(service, reference, MANAGER, labels, headless=addresses.is_headless(service))
        await self._writer.write(key, slices.plan(template, groups, existing, addresses.families(service)))
        if any(self._lacks_node(pod) for pod in selected):
            raise Retry(NODE_MISSING_RETRY_SECONDS)

    def _hint(self, key: Key, service: Object, groups: Iterable[slices.Group]) -> None:
        """Say which zones should use which endpoints, where the service asks for that; it overrules `trafficDistribution`."""
        if not topology.wants_hints(service):
            self._hinted.pop(key, None)
            return
        for group in groups:
            plain = [{name: part for name, part in e.items() if name != "hints"} for e in group.endpoints]
            try:
                group.endpoints = topology.hinted(plain, topology.zone_shares(self._nodes.items()))
                told = ("Normal", "TopologyAwareHintsEnabled", topology.ENABLED)
            except topology.NoHints as error:
                group.endpoints = plain
                told = ("Warning", "TopologyAwareHintsDisabled", str(error))
            if self._hinted.get(key) != told:
                self._hinted[key] = told
                self._recorder.event(service, *told[:2], f"{told[2]}, addressType: {group.address_type}")

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        """The zones' shares may be others now."""
        if self._hinted and _standing(old) != _standing(new):
            for key in self._hinted:
                self.loop.queue.add_after(key, NODE_MISSING_RETRY_SECONDS)

    def _selected(self, service: Object) -> Iterator[Object]:
        matches = by_labels(service["spec"]["selector"])
        for pod in self._pods.in_namespace(service["metadata"]["namespace"]):
            if matches(pod["metadata"].get("labels") or {}) and addresses.belongs(pod, terminating=True):
                yield pod

    def _lacks_node(self, pod: Object) -> bool:
        name = pod["spec"].get("nodeName")
        return bool(name) and self._nodes.get("", name) is None

    def _endpoints(self, service: Object, pods: Iterable[Object]) -> Iterator[tuple[str, list[Object], Object]]:
        for pod in pods:
            if self._lacks_node(pod):
                continue
            ports = addresses.ports(service, pod)
            if not ports and (service["spec"].get("ports") or not addresses.is_headless(service)):
                continue
            node = self._nodes.get("", pod["spec"].get("nodeName", ""))
            for family in addresses.families(service):
                if addresses.pod_addresses(pod, family):
                    yield family, ports, addresses.endpoint(pod, service, node, family)


def _standing(node: Object | None) -> tuple[object, ...]:
    """What of a node decides over the shares of zones."""
    if node is None:
        return ()
    status: Object = node.get("status") or {}
    ready = conditions.is_true(status.get("conditions"), "Ready")
    return node["metadata"].get("labels"), ready, (status.get("allocatable") or {}).get("cpu")


def service_index(slice_: Object) -> list[str]:
    """Index function: `namespace/service`."""
    labels = slice_["metadata"].get("labels") or {}
    name = labels.get(slices.SERVICE_NAME)
    return [f"{slice_['metadata']['namespace']}/{name}"] if name else []


def service_of(slice_: Object, manager: str) -> Key | None:
    """The service of a slice that `manager` keeps; None for other managers' slices."""
    labels = slice_["metadata"].get("labels") or {}
    if labels.get(slices.MANAGED_BY) != manager or not labels.get(slices.SERVICE_NAME):
        return None
    return slice_["metadata"]["namespace"], labels[slices.SERVICE_NAME]
