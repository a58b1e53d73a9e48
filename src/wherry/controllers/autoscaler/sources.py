"""The kinds of metrics that an autoscaler can follow: what each proposes, and what the status says of it.

A source that gives nothing raises `SourceFailed`, with the reason of the condition and the event.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from wherry.api.errors import NotFound
from wherry.api.types import Object
from wherry.client.discovery import Discovery
from wherry.controllers import pods
from wherry.controllers.autoscaler import grouping
from wherry.controllers.autoscaler.calculator import (
    Result,
    Tolerances,
    by_average,
    by_utilization,
    by_value,
    by_value_per_pod,
)
from wherry.controllers.autoscaler.grouping import CannotCompute
from wherry.controllers.autoscaler.measures import Measures
from wherry.machinery import selectors
from wherry.machinery.quantity import Quantity, parse_milli
from wherry.machinery.selector_grammar import SelectorError

_NEITHER = "invalid {} metric source: neither {} target nor {} target was set"


class SourceFailed(Exception):
    """`text` is what the condition says; the exception itself is what the whole reconciliation says."""

    def __init__(self, reason: str, text: str, whole: str) -> None:
        super().__init__(whole)
        self.reason = reason
        self.text = text


@dataclass(frozen=True, slots=True)
class Situation:
    """The target and its pods now. `spec_replicas` are wanted, `status_replicas` are there."""

    namespace: str
    selector: str
    pods: Sequence[Object]
    spec_replicas: int
    status_replicas: int
    tolerances: Tolerances
    now: float

    def ready(self) -> int:
        """Raises `CannotCompute` where there are no pods at all."""
        self.check_pods()
        return sum(pods.phase(pod) == "Running" and pods.is_ready(pod) for pod in self.pods)

    def check_pods(self) -> None:
        if not self.pods:
            raise CannotCompute("no pods returned by selector while calculating replica count")


@dataclass(frozen=True, slots=True)
class Proposal:
    """`name` is what the metric is called in events; `status` is its entry in `currentMetrics`."""

    replicas: int
    name: str
    status: Object


class Sources:
    """Proposals by the type of a metric."""

    def __init__(self, measures: Measures, discovery: Discovery) -> None:
        self._measures = measures
        self._discovery = discovery
        self._kinds: dict[str, tuple[str, Callable[[Object, Situation], Awaitable[Proposal]]]] = {
            "Resource": ("FailedGetResourceMetric", self._resource),
            "ContainerResource": ("FailedGetContainerResourceMetric", self._container),
            "Pods": ("FailedGetPodsMetric", self._pods),
            "Object": ("FailedGetObjectMetric", self._object),
            "External": ("FailedGetExternalMetric", self._external),
        }

    async def propose(self, metric: Object, situation: Situation) -> Proposal:
        """Raises `SourceFailed`."""
        kind = metric.get("type", "")
        if kind not in self._kinds:
            text = f'unknown metric source type "{kind}"'
            raise SourceFailed("InvalidMetricSourceType", text, text)
        reason, propose = self._kinds[kind]
        try:
            return await propose(metric, situation)
        except (CannotCompute, SelectorError) as error:
            whole = f"failed to get {_described(kind, metric)} value: {error}"
            raise SourceFailed(reason, str(error), whole) from error

    async def _resource(self, metric: Object, situation: Situation) -> Proposal:
        source = metric["resource"]
        proposal = await self._of_resource(source, situation, "")
        return Proposal(
            proposal.replicas,
            proposal.name,
            {"type": "Resource", "resource": {"name": source["name"], **proposal.status}},
        )

    async def _container(self, metric: Object, situation: Situation) -> Proposal:
        source = metric["containerResource"]
        proposal = await self._of_resource(source, situation, source["container"])
        status = {"name": source["name"], **proposal.status, "container": source["container"]}
        return Proposal(proposal.replicas, proposal.name, {"type": "ContainerResource", "containerResource": status})

    async def _of_resource(self, source: Object, situation: Situation, container: str) -> Proposal:
        name, target = source["name"], source["target"]
        raw = target.get("averageValue") is not None
        if not raw and target.get("averageUtilization") is None:
            raise CannotCompute(_NEITHER.format("resource", "an average utilization", "an average value (usage)"))
        try:
            result = await self._resource_result(name, target, situation, container)
        except CannotCompute as error:
            raise CannotCompute(f"failed to get {name} {'usage' if raw else 'utilization'}: {error}") from error
        if raw:
            return Proposal(result.replicas, f"{name} resource", {"current": {"averageValue": _milli(result.average)}})
        what = "container resource" if container else "resource"
        current = {"averageValue": _milli(result.average), "averageUtilization": result.percent}
        called = f"{name} {what} utilization (percentage of request)"
        return Proposal(result.replicas, called, {"current": current})

    async def _resource_result(self, name: str, target: Object, situation: Situation, container: str) -> Result:
        try:
            samples = await self._measures.resource(name, situation.namespace, situation.selector, container)
        except CannotCompute as error:
            raise CannotCompute(f"unable to get metrics for resource {name}: {error}") from error
        situation.check_pods()
        groups = grouping.group(situation.pods, samples, cpu=name == "cpu", now=situation.now)
        if target.get("averageValue") is not None:
            return by_average(
                samples,
                groups,
                target=parse_milli(target["averageValue"]),
                current=situation.spec_replicas,
                tolerances=situation.tolerances,
            )
        return by_utilization(
            samples,
            groups,
            grouping.requests(situation.pods, name, container),
            target=target["averageUtilization"],
            current=situation.spec_replicas,
            tolerances=situation.tolerances,
        )

    async def _pods(self, metric: Object, situation: Situation) -> Proposal:
        source = metric["pods"]
        name, selector = _identified(source)
        try:
            samples = await self._measures.of_pods(name, situation.namespace, situation.selector, selector)
        except CannotCompute as error:
            raise CannotCompute(f"unable to get metric {name}: {error}") from error
        situation.check_pods()
        result = by_average(
            samples,
            grouping.group(situation.pods, samples, cpu=False, now=situation.now),
            target=parse_milli(source["target"]["averageValue"]),
            current=situation.spec_replicas,
            tolerances=situation.tolerances,
        )
        status = {"metric": source["metric"], "current": {"averageValue": _milli(result.average)}}
        return Proposal(result.replicas, f"pods metric {name}", {"type": "Pods", "pods": status})

    async def _object(self, metric: Object, situation: Situation) -> Proposal:
        source = metric["object"]
        name, selector = _identified(source)
        reference = source["describedObject"]
        try:
            value = await self._measures.of_object(
                name, situation.namespace, await self._plural(reference), reference["name"], selector
            )
        except CannotCompute as error:
            where = f"{reference['kind']} {situation.namespace}/{reference['name']}"
            raise CannotCompute(f"unable to get metric {name}: {where} {error}") from error
        result, current = self._of_value(value, source["target"], situation, "object")
        status = {"metric": source["metric"], "current": current, "describedObject": reference}
        return Proposal(result.replicas, f"{reference['kind']} metric {name}", {"type": "Object", "object": status})

    async def _external(self, metric: Object, situation: Situation) -> Proposal:
        source = metric["external"]
        name, selector = _identified(source)
        try:
            value = await self._measures.external(name, situation.namespace, selector)
        except CannotCompute as error:
            path = f"{situation.namespace}/{name}/{selector or '<nil>'}"
            text = f"unable to get external metric {path}: {error}"
            raise CannotCompute(f"failed to get {name} external metric: {text}") from error
        result, current = self._of_value(value, source["target"], situation, "external")
        status = {"metric": source["metric"], "current": current}
        called = f"external metric {name}({selector or 'nil'})"
        return Proposal(result.replicas, called, {"type": "External", "external": status})

    def _of_value(self, value: int, target: Object, situation: Situation, kind: str) -> tuple[Result, Object]:
        """Of one figure for all pods together: as a whole, or a part for each."""
        if target.get("averageValue") is not None:
            result = by_value_per_pod(
                value,
                target=parse_milli(target["averageValue"]),
                replicas=situation.status_replicas,
                tolerances=situation.tolerances,
            )
            return result, {"averageValue": _milli(result.average)}
        if target.get("value") is None:
            raise CannotCompute(_NEITHER.format(kind, "a value", "an average value"))
        try:
            ready = situation.ready() if situation.spec_replicas else 0
        except CannotCompute as error:
            raise CannotCompute(f"unable to calculate ready pods: {error}") from error
        result = by_value(
            value,
            target=parse_milli(target["value"]),
            ready=ready,
            current=situation.spec_replicas,
            tolerances=situation.tolerances,
        )
        return result, {"value": _milli(result.average)}

    async def _plural(self, reference: Object) -> str:
        try:
            return (await self._discovery.for_kind(reference.get("apiVersion") or "v1", reference["kind"])).qualified
        except NotFound as error:
            raise CannotCompute(str(error)) from error


def _identified(source: Object) -> tuple[str, str]:
    """A metric's name and the text of its selector. Raises `SelectorError`."""
    selector = source["metric"].get("selector")
    return source["metric"]["name"], selectors.to_text(selector) if selector else ""


def _milli(value: int) -> str:
    return str(Quantity(value * 10**6))


def _described(kind: str, metric: Object) -> str:
    """How upstream calls a metric in its errors."""
    match kind:
        case "Resource":
            return f"{metric['resource']['name']} resource metric"
        case "ContainerResource":
            return f"{metric['containerResource']['name']} container metric"
        case "External":
            return f"{metric['external']['metric']['name']} external metric"
        case _:
            return f"{kind.lower()} metric"
