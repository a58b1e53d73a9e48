"""The law of vectors: over all nodes at once comes out what the plain forms say node by node.

A random cluster goes through random changes; after each, random pods are searched for in both ways. Which nodes fit, what
is said of the others, every score and the set of the best nodes must be equal, from new states and from kept ones.
"""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from wherry.api.types import Object
from wherry.machinery.selectors import Selector, from_labels
from wherry.scheduler.cache import Cache
from wherry.scheduler.framework.attempt import Attempt
from wherry.scheduler.framework.diagnosis import Diagnosis
from wherry.scheduler.framework.framework import Framework
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.status import Status
from wherry.scheduler.plugins.image_locality import ImageLocality
from wherry.scheduler.plugins.inter_pod_affinity import InterPodAffinity
from wherry.scheduler.plugins.node_affinity import NodeAffinity
from wherry.scheduler.plugins.node_name import NodeName
from wherry.scheduler.plugins.node_ports import NodePorts
from wherry.scheduler.plugins.node_resources_balanced import NodeResourcesBalancedAllocation
from wherry.scheduler.plugins.node_resources_fit import NodeResourcesFit
from wherry.scheduler.plugins.node_unschedulable import NodeUnschedulable
from wherry.scheduler.plugins.pod_topology_spread import PodTopologySpread
from wherry.scheduler.plugins.resource_strategies import LEAST, MOST, RATIO, Strategy
from wherry.scheduler.plugins.taint_toleration import TaintToleration
from wherry.scheduler.vectors import local
from wherry.scheduler.vectors.search import Found, VectorSearch
from wherry.testing.scheduling import node, pod

ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
REQUIRED, PREFERRED = (
    "requiredDuringSchedulingIgnoredDuringExecution",
    "preferredDuringSchedulingIgnoredDuringExecution",
)
GPU = "example.com/gpu"
APPS = ("web", "db", "job")
IMAGE = "example.org/image:1"
STRATEGIES = (
    Strategy(),
    Strategy(MOST, (("cpu", 3), ("memory", 1), (GPU, 2))),
    Strategy(RATIO, (("cpu", 1), (GPU, 5)), ((0, 10), (40, 2), (100, 7))),
    Strategy(LEAST, (("ephemeral-storage", 1), ("memory", 2))),
)


def own_kind(wanted: PodInfo) -> Selector | None:
    """As if a service stood before every app but one."""
    app = wanted.labels.get("app", "")
    return from_labels({"app": app}) if app in APPS[:2] else None


def framework(rng: random.Random) -> Framework:
    added = {REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": [{"key": "old", "operator": "DoesNotExist"}]}]}}
    balanced = rng.choice([("cpu", "memory"), ("cpu", "memory", GPU), ("cpu",)])
    hard = {"maxSkew": 2, "topologyKey": ZONE, "whenUnsatisfiable": "DoNotSchedule"}
    return Framework(
        [
            NodeUnschedulable(),
            NodeName(),
            TaintToleration(),
            NodeAffinity(added if rng.random() < 0.3 else None),
            NodePorts(),
            NodeResourcesFit(rng.choice(STRATEGIES)),
            PodTopologySpread(own_kind, defaults=[hard] if rng.random() < 0.2 else None),
            InterPodAffinity(hard_weight=rng.choice([0, 1, 7]), ignores_running_preferences=rng.random() < 0.2),
            NodeResourcesBalancedAllocation(balanced),
            ImageLocality(),
        ],
        weights={"TaintToleration": 3, "NodeAffinity": 2, "PodTopologySpread": 2, "InterPodAffinity": 2},
    )


class World:
    """A cache that random changes go through."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.namespaces: dict[str, dict[str, str]] = {"default": {"team": "a"}, "other": {"team": "b"}}
        self.cache = Cache(namespace_labels=lambda name: self.namespaces.get(name, {}))
        self.framework = framework(self.rng)
        self.pods: list[str] = []
        self.placed: dict[str, Object] = {}
        self.count = 0

    def maybe(self, share: float) -> bool:
        return self.rng.random() < share

    # Changes.

    def change(self) -> None:
        actions = (self.put_node, self.put_node, self.drop_node, self.put_pod, self.put_pod, self.put_pod)
        self.rng.choice((*actions, self.put_pod, self.drop_pod, self.end_pod, self.relabel_namespace))()

    def put_node(self) -> None:
        rng = self.rng
        more = {GPU: str(rng.randrange(4))} if self.maybe(0.4) else {}
        if self.maybe(0.5):
            more["ephemeral-storage"] = f"{rng.randrange(1, 90)}Gi"
        effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"]
        taints = [
            {"key": rng.choice("kl"), "value": "v", "effect": rng.choice(effects)} for _ in range(rng.randrange(3))
        ]
        labels = {key: rng.choice("abc") for key in (ZONE, "disk", "old") if self.maybe(0.15 if key == "old" else 0.8)}
        labels |= {"size": str(rng.randrange(9))} if self.maybe(0.5) else {}
        made = node(
            f"n{rng.randrange(14)}",
            cpu=rng.choice(["0", "500m", "2", "7"]),
            memory=rng.choice(["0", "1Gi", "3000M", "9Gi"]),
            pods=rng.choice([1, 3, 110]),
            labels=labels,
            taints=taints or None,
            more=more,
            unschedulable=self.maybe(0.15),
        )
        if self.maybe(0.1):
            del made["metadata"]["labels"][HOST]
        if self.maybe(0.4):
            made["status"]["images"] = [{"names": [IMAGE], "sizeBytes": rng.choice([10, 400, 3000]) * 1_000_000}]
        self.cache.set_node(made)

    def drop_node(self) -> None:
        if self.maybe(0.4):
            self.cache.remove_node(f"n{self.rng.randrange(14)}")

    def put_pod(self) -> None:
        made = self.some_pod()
        made["spec"]["nodeName"] = f"n{self.rng.randrange(14)}"
        self.placed[made["metadata"]["uid"]] = made
        self.cache.set_pod(made)

    def drop_pod(self) -> None:
        if self.placed:
            uid = self.rng.choice(sorted(self.placed))
            del self.placed[uid]
            self.cache.remove_pod(uid)

    def end_pod(self) -> None:
        """A pod begins to be deleted."""
        if self.placed:
            old = self.placed[self.rng.choice(sorted(self.placed))]
            self.cache.set_pod({**old, "metadata": {**old["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}})

    def relabel_namespace(self) -> None:
        if self.maybe(0.2):
            self.namespaces["other"] = {"team": self.rng.choice("ab")}
            self.cache.namespaces_version += 1

    # Pods.

    def some_pod(self) -> Object:
        rng = self.rng
        self.count += 1
        spec: dict[str, Any] = {"priority": rng.randrange(2)}
        if self.maybe(0.2):
            spec["nodeSelector"] = {"disk": rng.choice("abc")}
        if self.maybe(0.4):
            spec["tolerations"] = (
                [{"key": rng.choice("kl"), "operator": "Exists"}]
                if self.maybe(0.5)
                else [{"operator": "Exists", "effect": "PreferNoSchedule"}]
            )
        if self.maybe(0.6):
            spec["affinity"] = self.some_affinity()
        if self.maybe(0.4):
            spec["topologySpreadConstraints"] = self.some_constraints()
        requests = {GPU: str(rng.randrange(3))} if self.maybe(0.2) else {}
        made = pod(
            f"p{self.count}",
            cpu=rng.choice(["", "100m", "1"]),
            memory=rng.choice(["", "200Mi", "1Gi"]),
            namespace=rng.choice(sorted(self.namespaces)),
            labels={"app": rng.choice(APPS)} if self.maybe(0.9) else {},
            requests=requests,
            **spec,
        )
        if self.maybe(0.2):
            made["spec"]["containers"][0]["ports"] = [{"hostPort": rng.randrange(80, 82)}]
        return made

    def some_affinity(self) -> Object:
        rng = self.rng
        found: Object = {}
        if self.maybe(0.4):
            found["nodeAffinity"] = self.some_node_affinity()
        for side in ("podAffinity", "podAntiAffinity"):
            if self.maybe(0.3):
                found[side] = {REQUIRED: [self.some_term() for _ in range(rng.randrange(1, 3))]}
            elif self.maybe(0.4):
                found[side] = {PREFERRED: [{"weight": rng.randrange(1, 9), "podAffinityTerm": self.some_term()}]}
        return found

    def some_node_affinity(self) -> Object:
        rng = self.rng
        expressions = [
            {"key": "disk", "operator": rng.choice(["In", "NotIn"]), "values": ["a", "b"]},
            {"key": ZONE, "operator": rng.choice(["Exists", "DoesNotExist"])},
            {"key": "size", "operator": rng.choice(["Gt", "Lt"]), "values": ["4"]},
        ]
        term = {"matchExpressions": rng.sample(expressions, rng.randrange(1, 3))}
        if self.maybe(0.2):
            term["matchFields"] = [{"key": "metadata.name", "operator": "NotIn", "values": ["n1"]}]
        if self.maybe(0.5):
            return {PREFERRED: [{"weight": rng.randrange(1, 9), "preference": term}]}
        return {REQUIRED: {"nodeSelectorTerms": [term, *([{}] if self.maybe(0.2) else [])]}}

    def some_term(self) -> Object:
        rng = self.rng
        term: Object = {
            "labelSelector": {"matchLabels": {"app": rng.choice(APPS)}} if self.maybe(0.9) else {},
            "topologyKey": rng.choice([ZONE, HOST, "disk"]),
        }
        if self.maybe(0.3):
            term["namespaceSelector"] = {"matchLabels": {"team": rng.choice("ab")}} if self.maybe(0.7) else {}
        return term

    def some_constraints(self) -> list[Object]:
        rng = self.rng
        return [
            {
                "maxSkew": rng.randrange(1, 3),
                "topologyKey": key,
                "whenUnsatisfiable": rng.choice(["DoNotSchedule", "ScheduleAnyway"]),
                "labelSelector": {"matchLabels": {"app": rng.choice(APPS)}} if self.maybe(0.9) else {},
                **({"nodeTaintsPolicy": "Honor"} if self.maybe(0.3) else {}),
                **({"nodeAffinityPolicy": "Ignore"} if self.maybe(0.3) else {}),
                **({"minDomains": 3} if self.maybe(0.2) else {}),
                **({"matchLabelKeys": ["app"]} if self.maybe(0.2) else {}),
            }
            for key in rng.sample([ZONE, HOST, "disk"], rng.randrange(1, 3))
        ]


def in_plain_words(world: World, wanted: PodInfo) -> tuple[dict[str, Status], dict[str, int]]:
    """What is said of each node, and the scores of those that fit."""
    attempt = attempt_for(world, wanted)
    prepared = attempt.prepared
    assert not isinstance(prepared, Status)
    nodes = world.cache.nodes()
    verdicts = {each.name: status for each in nodes if (status := attempt.check(each)) is not None}
    feasible = [each for each in nodes if each.name not in verdicts]
    scores = world.framework.score(wanted, world.cache, feasible) if feasible else []
    return verdicts, dict(zip((each.name for each in feasible), scores, strict=True))


def attempt_for(world: World, wanted: PodInfo) -> Attempt:
    prepare = lambda: world.framework.prepare(wanted, world.cache)
    return Attempt(wanted, world.cache, prepare, Diagnosis(world.cache.node_count()))


def compare(world: World, found: Found, wanted: PodInfo) -> None:
    verdicts, scores = in_plain_words(world, wanted)
    names = [each.name for each in world.cache.nodes()]
    answers = found.verdicts()
    assert {name: status for name in names if (status := answers.get(name)) is not None} == verdicts
    assert sum(answers.counts().values()) == len(answers) == len(verdicts)
    assert {name: found.score(name) for name in found.feasible()} == scores
    highest = max(scores.values(), default=0)
    assert sorted(found.best()) == sorted(name for name, score in scores.items() if score == highest)


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), few=st.sampled_from([0, 3, local.FEW_ROWS]))
def test_vectors_agree_with_the_plain_forms(seed: int, few: int) -> None:
    """`few`: how many changed nodes are done by the plain forms; with 0 always the vectors."""
    world = World(seed)
    search = VectorSearch.of(world.framework, world.cache)
    shapes = [PodInfo(world.some_pod()) for _ in range(3)]
    usual, local.FEW_ROWS = local.FEW_ROWS, few
    try:
        for _ in range(25):
            for _ in range(world.rng.randrange(4)):
                world.change()
            wanted = world.rng.choice([*shapes, PodInfo(world.some_pod())])
            if world.cache.node_count() and world.maybe(0.3):
                rival = PodInfo(world.some_pod())
                world.cache.nominate(rival, world.rng.choice(world.cache.nodes()).name)
            found = search.find(wanted, attempt_for(world, wanted))
            assert found is not None
            compare(world, found, wanted)
    finally:
        local.FEW_ROWS = usual
