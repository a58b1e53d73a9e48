"""The answers of `/apis/metrics.k8s.io/v1beta1`: get and list of nodes and pods, whole or as tables.

Source: metrics-server pkg/api. Pods are told while they run and all their containers have figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from wherry.api.errors import BadRequest, MethodNotAllowed, NotFound, StatusError, not_found
from wherry.api.types import Object
from wherry.apiserver.aggregation.backend import InProcessApi
from wherry.apiserver.aggregation.priorities import Priority
from wherry.apiserver.answers import error_reply
from wherry.apiserver.objects import decoded
from wherry.apiserver.registry import storage_prefix
from wherry.apiserver.resourcemetrics.forms import json_reply, reply
from wherry.apiserver.resourcemetrics.objects import API_VERSION, node_metrics, pod_metrics
from wherry.apiserver.resourcemetrics.scraper import FIRST_WINDOW_SECONDS, Fetch, Scraper
from wherry.base.clock import Clock
from wherry.machinery import selectors
from wherry.machinery.field_selectors import FieldSelector, parse_fields
from wherry.machinery.selector_grammar import SelectorError
from wherry.store.port import Store
from wherry.wire.messages import Request, Response

GROUP, VERSION = "metrics.k8s.io", "v1beta1"
PRIORITY = Priority(100, 100)
_PREFIX = f"/apis/{GROUP}/{VERSION}"
_NODES, _PODS = storage_prefix("core", "nodes"), storage_prefix("core", "pods")
_RESOURCES: Sequence[Object] = (
    {"name": "nodes", "singularName": "", "namespaced": False, "kind": "NodeMetrics", "verbs": ["get", "list"]},
    {"name": "pods", "singularName": "", "namespaced": True, "kind": "PodMetrics", "verbs": ["get", "list"]},
)
_FIELDS = frozenset({"metadata.name", "metadata.namespace"})


@dataclass(frozen=True, slots=True)
class Selection:
    """Which objects of a list are wanted."""

    labels: selectors.Selector
    fields: FieldSelector

    def takes(self, obj: Object) -> bool:
        return self.labels.matches(obj["metadata"].get("labels") or {}) and self.fields.matches(obj)


class ResourceMetrics:
    """The group's handler, with the `scraper` behind it, which is a component."""

    def __init__(self, *, store: Store, fetch: Fetch, clock: Clock, first_window: float = FIRST_WINDOW_SECONDS) -> None:
        self._store = store
        self._clock = clock
        self.scraper = Scraper(nodes=self._nodes, fetch=fetch, clock=clock, first_window=first_window)

    @property
    def api(self) -> InProcessApi:
        """What the API server is given."""
        return InProcessApi(group=GROUP, version=VERSION, handler=self.handle, priority=PRIORITY)

    async def handle(self, request: Request) -> Response:
        try:
            return await self._answer(request)
        except StatusError as error:
            return error_reply(error)

    async def _answer(self, request: Request) -> Response:
        path = request.path.rstrip("/")
        if path == _PREFIX:
            return json_reply(
                {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": API_VERSION, "resources": _RESOURCES}
            )
        match path.removeprefix(f"{_PREFIX}/").split("/"):
            case ["nodes", *name] if len(name) < 2:
                kind, namespace = "NodeMetrics", ""
            case ["pods"]:
                kind, namespace, name = "PodMetrics", "", []
            case ["namespaces", namespace, "pods", *name] if len(name) < 2:
                kind = "PodMetrics"
            case _:
                raise NotFound("the server could not find the requested resource", reason="NotFound")
        if request.method not in ("GET", "HEAD") or "watch" in request.query():
            raise MethodNotAllowed("the server does not allow this method on the requested resource")
        await self.scraper.fresh()
        find = self._find_node if kind == "NodeMetrics" else self._find_pod
        if name:
            return reply(request, find(namespace, name[0]))
        chosen = _selection(request)
        listed = self._list_nodes() if kind == "NodeMetrics" else self._list_pods(namespace, chosen)
        items = [obj for obj in listed if chosen.takes(obj)]
        return reply(request, {"kind": f"{kind}List", "apiVersion": API_VERSION, "metadata": {}, "items": items})

    def _nodes(self) -> Iterable[Object]:
        return [decoded(entry) for entry in self._store.range(_NODES).entries]

    def _list_nodes(self) -> Iterator[Object]:
        for node in self._nodes():
            if (found := self._node_metrics(node)) is not None:
                yield found

    def _node_metrics(self, node: Object) -> Object | None:
        use = self.scraper.node(node["metadata"]["name"])
        return None if use is None else node_metrics(node, use, self._clock.now())

    def _find_node(self, namespace: str, name: str) -> Object:
        entry = self._store.get(f"{_NODES}{name}")
        if entry is None:
            raise not_found("", "nodes", name)
        found = self._node_metrics(decoded(entry))
        if found is None:
            raise not_found(GROUP, "nodemetrics", name)
        return found

    def _list_pods(self, namespace: str, chosen: Selection) -> Iterator[Object]:
        for each, name in sorted(self.scraper.pods()):
            if namespace and each != namespace:
                continue
            entry = self._store.get(f"{_PODS}{each}/{name}")
            if entry is None or not chosen.takes(decoded(entry)):
                continue
            if (found := self._pod_metrics(decoded(entry))) is not None:
                yield found

    def _pod_metrics(self, pod: Object) -> Object | None:
        metadata = pod["metadata"]
        if (pod.get("status") or {}).get("phase") != "Running":
            return None
        uses = self.scraper.pod((metadata["namespace"], metadata["name"]))
        return None if uses is None else pod_metrics(pod, uses, self._clock.now())

    def _find_pod(self, namespace: str, name: str) -> Object:
        entry = self._store.get(f"{_PODS}{namespace}/{name}")
        if entry is None:
            raise not_found("", "pods", f"{namespace}/{name}")
        found = self._pod_metrics(decoded(entry))
        if found is None:
            raise not_found(GROUP, "podmetrics", f"{namespace}/{name}")
        return found


def _selection(request: Request) -> Selection:
    query = request.query()
    try:
        labels = selectors.parse(query.get("labelSelector", [""])[0])
        fields = parse_fields(query.get("fieldSelector", [""])[0])
    except SelectorError as error:
        raise BadRequest(str(error)) from error
    for term in fields.terms:
        if term.field not in _FIELDS:
            raise BadRequest(f"field label not supported: {term.field}")
    return Selection(labels, fields)
