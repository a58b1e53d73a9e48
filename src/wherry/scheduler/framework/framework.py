"""The plugins of one profile, and how they are asked in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from wherry.scheduler.framework.cluster_event import ClusterEvent
from wherry.scheduler.framework.diagnosis import Diagnosis
from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.plugin import (
    Bind,
    Cluster,
    Filter,
    Filtering,
    Hint,
    Permit,
    Plugin,
    PreBind,
    PreEnqueue,
    QueueSort,
    Reserve,
    Score,
)
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.status import Status, unresolvable


class Binder(Protocol):
    """Somebody who binds."""

    async def bind(self, pod: PodInfo, node: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Prepared:
    """One pod's checks, and the only nodes worth checking (None: all)."""

    filterings: tuple[Filtering, ...]
    nodes: frozenset[str] | None = None
    narrowed_by: tuple[str, ...] = ()
    _tests: tuple[Callable[[NodeInfo], Status | None], ...] = field(init=False)
    _counting: tuple[Filtering, ...] = field(init=False)
    """Those that look at other pods, besides what the node itself sums up."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_tests", tuple(each.filter for each in self.filterings))
        counting = tuple(each for each in self.filterings if type(each).add_pod is not Filtering.add_pod)
        object.__setattr__(self, "_counting", counting)

    def check(self, node: NodeInfo) -> Status | None:
        """The first no; None when the pod fits."""
        for test in self._tests:
            if (status := test(node)) is not None:
                return status
        return None

    def add_pod(self, pod: PodInfo, node: NodeInfo) -> None:
        """Try out what would be if that pod ran there; `remove_pod` takes it back exactly."""
        node.add_pod(pod)
        for filtering in self._counting:
            filtering.add_pod(pod, node)

    def remove_pod(self, pod: PodInfo, node: NodeInfo) -> None:
        node.remove_pod(pod.uid)
        for filtering in self._counting:
            filtering.remove_pod(pod, node)

    @property
    def absent(self) -> Status | None:
        """What is said of nodes that were not worth checking."""
        if self.nodes is None:
            return None
        names = " ".join(self.narrowed_by)
        return unresolvable(self.narrowed_by[0], f"node(s) didn't satisfy plugin(s) [{names}]")


class Framework:
    """Plugins in the order in which they are asked. `weights` are by name; 1 unless told."""

    def __init__(
        self,
        plugins: Sequence[Plugin],
        *,
        weights: Mapping[str, int] | None = None,
        points: Mapping[str, Sequence[Plugin]] | None = None,
    ) -> None:
        """`points` has the plugins of each point in their order, where not all take part in all that they can."""
        self.plugins: dict[str, Plugin] = {plugin.name: plugin for plugin in plugins}
        weigh = weights or {}
        self._points = points
        at = self.at
        self._pre_enqueue = tuple(p for p in at("preEnqueue") if isinstance(p, PreEnqueue))
        self.filters = tuple(p for p in at("filter") if isinstance(p, Filter))
        self.scores = tuple((p, weigh.get(p.name, 1)) for p in at("score") if isinstance(p, Score))
        self._reserves = tuple(p for p in at("reserve") if isinstance(p, Reserve))
        self._permits = tuple(p for p in at("permit") if isinstance(p, Permit))
        self._pre_binds = tuple(p for p in at("preBind") if isinstance(p, PreBind))
        self._bind = next((p for p in at("bind") if isinstance(p, Bind)), None)
        self._sort = next((p for p in at("queueSort") if isinstance(p, QueueSort)), None)

    def at(self, point: str) -> Iterable[Plugin]:
        """The plugins that may take part at a point, in their order."""
        return self.plugins.values() if self._points is None else self._points.get(point, ())

    def hints(self) -> dict[ClusterEvent, dict[str, Hint]]:
        """Per change of the cluster, the plugins that may say yes after it."""
        found: dict[ClusterEvent, dict[str, Hint]] = {}
        for plugin in self.plugins.values():
            for event, hint in plugin.events.items():
                found.setdefault(event, {})[plugin.name] = hint
        return found

    def order(self, pod: PodInfo, since: float) -> tuple[float, ...]:
        return self._sort.order(pod, since) if self._sort is not None else (since,)

    def pre_enqueue(self, pod: PodInfo) -> Status | None:
        for plugin in self._pre_enqueue:
            if (status := plugin.pre_enqueue(pod)) is not None:
                return status
        return None

    def prepare(self, pod: PodInfo, cluster: Cluster) -> Prepared | Status:
        """Run PreFilter; a `Status` means that no node can do."""
        filterings: list[Filtering] = []
        nodes: frozenset[str] | None = None
        narrowed_by: list[str] = []
        for plugin in self.filters:
            answer = plugin.pre_filter(pod, cluster)
            if isinstance(answer, Status):
                return answer
            if answer is None:
                continue
            filterings.append(answer)
            if answer.nodes is not None:
                nodes = answer.nodes if nodes is None else nodes & answer.nodes
                narrowed_by.append(plugin.name)
        return Prepared(tuple(filterings), nodes, tuple(sorted(narrowed_by)))

    def score(self, pod: PodInfo, cluster: Cluster, nodes: Sequence[NodeInfo]) -> list[int]:
        """The weighted sum of all plugins for each node."""
        totals = [0] * len(nodes)
        for plugin, weight in self.scores:
            scores = plugin.score(pod, cluster, nodes)
            if scores is not None:
                totals = [total + weight * score for total, score in zip(totals, scores, strict=True)]
        return totals

    def reserve(self, pod: PodInfo, node: str) -> Status | None:
        for plugin in self._reserves:
            if (status := plugin.reserve(pod, node)) is not None:
                self.unreserve(pod, node)
                return status
        return None

    def unreserve(self, pod: PodInfo, node: str) -> None:
        for plugin in reversed(self._reserves):
            plugin.unreserve(pod, node)

    async def before_bind(self, pod: PodInfo, node: str) -> Status | None:
        """Permit and PreBind, which may wait long for somebody else. Raises what PreBind raises."""
        for permit in self._permits:
            if (status := await permit.permit(pod, node)) is not None:
                return status
        for pre_bind in self._pre_binds:
            if (status := await pre_bind.pre_bind(pod, node)) is not None:
                return status
        return None

    async def bind(self, pod: PodInfo, node: str, *, binder: Binder | None = None) -> None:
        """`binder` binds in the plugin's place. Raises what Bind raises."""
        if (last := binder or self._bind) is not None:
            await last.bind(pod, node)


def unfit(prepared: Prepared | Status, diagnosis: Diagnosis) -> None:
    """The beginning of a diagnosis, before any node is looked at."""
    if isinstance(prepared, Status):
        diagnosis.pre_filter = prepared
    else:
        diagnosis.absent = prepared.absent
