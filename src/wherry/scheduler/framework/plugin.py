"""The points at which plugins take part. A plugin is one class that derives from one or several of these.

    pod waits     PreEnqueue.pre_enqueue    may it enter the queue at all
    queue         QueueSort.order           who is first
    cycle         Filter.pre_filter         once per pod: whether there is anything to check, and what of it to prepare
                  Filtering.filter          once per node: None is yes
                  PostFilter.post_filter    no node was left: can something be done about it (see post_filter.py)
                  Score.score               all nodes that are left at once: 0 (worst) to 100
                  Reserve.reserve           the pod is about to be given the node
    binding       Permit.permit             may wait as long as it wants; a rejection gives the node back
                  PreBind.pre_bind, Bind.bind

Upstream's PreScore, Score and NormalizeScore are one call here, over all nodes, so that plugins can prepare and compute
for all of them at once; and what upstream writes into a cycle state is the `Filtering` that `pre_filter` gives.
Everything up to Reserve is synchronous and must be quick; the binding points are awaited in a task of the pod's own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Protocol

from wherry.api.types import Object
from wherry.machinery.selectors import Labels
from wherry.scheduler.framework.cluster_event import ClusterEvent
from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.scoring import MAX_SCORE as MAX_SCORE
from wherry.scheduler.framework.scoring import reversed_to_maximum, to_maximum
from wherry.scheduler.framework.status import Status

NodeTest = Callable[[NodeInfo], int]

Hint = Callable[[PodInfo, Object | None, Object | None], bool]
"""Whether a change (old and new state; None where there is none) may make the pod fit."""


def always(pod: PodInfo, old: Object | None, new: Object | None) -> bool:
    """The hint of plugins that cannot tell."""
    return True


class Cluster(Protocol):
    """What plugins may look at besides the pod and the node."""

    def nodes(self) -> Sequence[NodeInfo]:
        """All nodes; not to be changed."""

    def node(self, name: str) -> NodeInfo | None: ...

    def node_count(self) -> int: ...

    def images_version(self) -> int:
        """Counts changes of `image_spread`, and of the number of nodes."""

    def nodes_with_affinity(self) -> Sequence[NodeInfo]:
        """Those with pods that have terms about other pods."""

    def nodes_with_anti_affinity(self) -> Sequence[NodeInfo]:
        """Those with pods that must not be with certain other pods."""

    def lowest_priority(self) -> int | None:
        """Of all pods that have a node; None where there are none."""

    def has_affinity(self) -> bool:
        """Whether there are such nodes."""

    def has_anti_affinity(self) -> bool:
        """Whether there are such nodes."""

    def image_spread(self, image: str) -> int:
        """How many nodes have that image."""

    def namespace_labels(self, namespace: str) -> Labels: ...

    def nominations(self) -> int:
        """How many pods wait for a node to be cleared for them."""

    def nominated(self, node: str) -> Sequence[PodInfo]:
        """Pods that wait for this node to be cleared for them."""

    def nominated_node(self, uid: str) -> str | None:
        """The node that a pod waits for."""


class Plugin:
    """Something with a name, and the changes of the cluster that may turn its no into a yes."""

    name: ClassVar[str]
    events: Mapping[ClusterEvent, Hint] = {}


class PreEnqueue(Plugin, ABC):
    @abstractmethod
    def pre_enqueue(self, pod: PodInfo) -> Status | None: ...


class QueueSort(Plugin, ABC):
    @abstractmethod
    def order(self, pod: PodInfo, since: float) -> tuple[float, ...]:
        """The smallest is first; `since` is when the pod began to wait, on the monotonic clock."""


class Filtering(ABC):
    """One pod's check by one plugin."""

    nodes: frozenset[str] | None = None
    """The only nodes that can pass; None: any."""

    @abstractmethod
    def filter(self, node: NodeInfo) -> Status | None: ...

    def add_pod(self, pod: PodInfo, node: NodeInfo) -> None:  # noqa: B027 - most do not look at other pods
        """Go on as if that pod ran on that node (it has been added there already)."""

    def remove_pod(self, pod: PodInfo, node: NodeInfo) -> None:  # noqa: B027
        """Go on as if that pod did not run on that node (it has been removed there already)."""


class Filter(Plugin, ABC):
    @abstractmethod
    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Filtering | Status | None:
        """None: every node passes. A `Status`: none does."""


class Score(Plugin, ABC):
    @abstractmethod
    def score(self, pod: PodInfo, cluster: Cluster, nodes: Sequence[NodeInfo]) -> Sequence[int] | None:
        """0 to 100 for each of the nodes, in their order; None: no opinion."""


class NodeScore(Score):
    """A score that looks at one node at a time."""

    @abstractmethod
    def node_score(self, pod: PodInfo, cluster: Cluster) -> NodeTest | None:
        """What a node is worth, 0 to 100; None: no opinion."""

    def score(self, pod: PodInfo, cluster: Cluster, nodes: Sequence[NodeInfo]) -> Sequence[int] | None:
        one = self.node_score(pod, cluster)
        return None if one is None else [one(node) for node in nodes]


class RelativeScore(Score):
    """A score by comparison: `raw_score` of a node, brought to 0 to 100 among the nodes that are left."""

    reverse: ClassVar[bool] = False
    """Whether less is better."""

    @abstractmethod
    def raw_score(self, pod: PodInfo, cluster: Cluster) -> NodeTest | None:
        """Any number from 0 for a node; None: no opinion. Where all give 0 there is no opinion either."""

    def score(self, pod: PodInfo, cluster: Cluster, nodes: Sequence[NodeInfo]) -> Sequence[int] | None:
        one = self.raw_score(pod, cluster)
        raw = [one(node) for node in nodes] if one is not None else ()
        if not any(raw):
            return None
        return reversed_to_maximum(raw) if self.reverse else to_maximum(raw)


class Reserve(Plugin, ABC):
    @abstractmethod
    def reserve(self, pod: PodInfo, node: str) -> Status | None: ...

    @abstractmethod
    def unreserve(self, pod: PodInfo, node: str) -> None:
        """Idempotent; also called where `reserve` never was."""


class Permit(Plugin, ABC):
    @abstractmethod
    async def permit(self, pod: PodInfo, node: str) -> Status | None: ...


class PreBind(Plugin, ABC):
    @abstractmethod
    async def pre_bind(self, pod: PodInfo, node: str) -> Status | None: ...


class Bind(Plugin, ABC):
    @abstractmethod
    async def bind(self, pod: PodInfo, node: str) -> None:
        """Raises the API server's error."""
