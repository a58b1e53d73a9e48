"""The loop: every autoscaler every 15 seconds, as upstream does by default."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from wherry.api.errors import NotFound, StatusError
from wherry.api.resources import lookup
from wherry.api.types import Object
from wherry.base.times import rfc3339
from wherry.client.discovery import Discovery
from wherry.client.informer import Key
from wherry.controllers.autoscaler.calculator import DEFAULT_TOLERANCE, Tolerances
from wherry.controllers.autoscaler.limits import Bounds, History, allowed
from wherry.controllers.autoscaler.measures import Measures
from wherry.controllers.autoscaler.sources import Proposal, Situation, SourceFailed, Sources
from wherry.controllers.autoscaler.status import ABLE, ACTIVE, LIMITED, Status
from wherry.controllers.autoscaler.target import NoTarget, Targets
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop
from wherry.machinery import selectors
from wherry.machinery.quantity import parse
from wherry.machinery.selector_grammar import SelectorError

RESOURCE = lookup("horizontalpodautoscalers.autoscaling")
SYNC_SECONDS = 15.0
_ABOVE = "Current number of replicas above Spec.MaxReplicas"
_BELOW = "Current number of replicas below Spec.MinReplicas"


class _Failed(Exception):
    """Said in the status and by an event already; the next round tries again."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """How many replicas there should be, why, and what was measured."""

    replicas: int
    reason: str = ""


class HorizontalPodAutoscalerController:
    """A component; see the package."""

    name = "horizontalpodautoscaling"

    def __init__(self, context: Context) -> None:
        discovery = Discovery(context.client)
        self._client = context.client
        self._clock = context.clock
        self._log = context.log
        self._recorder = context.recorder("horizontal-pod-autoscaler")
        self._targets = Targets(context.client, discovery)
        self._sources = Sources(Measures(context.client), discovery)
        self._autoscalers = context.informers.informer(RESOURCE)
        self._pods = context.informers.informer("pods")
        self._histories: dict[Key, History] = {}
        self._selectors: dict[Key, selectors.Selector] = {}
        self.loop = Loop(
            self.name,
            self._reconcile,
            clock=context.clock,
            needs=(self._autoscalers, self._pods),
            log=context.log,
            workers=context.config.workers_by_controller.get(self.name, context.config.workers),
        )
        self._autoscalers.add_handler(self._soon, lambda old, new: self._soon(new), self._gone)

    async def run(self) -> None:
        await self.loop.run()

    def _soon(self, autoscaler: Object) -> None:
        metadata = autoscaler["metadata"]
        self.loop.queue.add_after((metadata["namespace"], metadata["name"]), SYNC_SECONDS)

    def _gone(self, autoscaler: Object) -> None:
        metadata = autoscaler["metadata"]
        key = metadata["namespace"], metadata["name"]
        self._histories.pop(key, None)
        self._selectors.pop(key, None)

    async def _reconcile(self, key: Key) -> None:
        autoscaler = self._autoscalers.get(*key)
        if autoscaler is None:
            return
        try:
            await self._scale(key, autoscaler)
        except _Failed as error:
            self._log.info("could not scale", autoscaler="/".join(key), error=str(error))
        finally:
            self._soon(autoscaler)

    async def _scale(self, key: Key, autoscaler: Object) -> None:
        status = Status(autoscaler, rfc3339(self._clock.now()))
        try:
            resource, scale = await self._targets.scale(key[0], autoscaler["spec"]["scaleTargetRef"])
        except NoTarget as error:
            self._warn(autoscaler, "FailedGetScale", error.why)
            message = f"the HPA controller was unable to get the target's current scale: {error.why}"
            status.say(ABLE, False, "FailedGetScale", message)
            await self._write(autoscaler, status)
            raise _Failed(str(error)) from error
        status.say(ABLE, True, "SucceededGetScale", "the HPA controller was able to get the target's current scale")
        status.current = (scale.get("spec") or {}).get("replicas") or 0
        history = self._histories.setdefault(key, History())
        history.begin(status.current, self._clock.monotonic())
        wish = await self._wish(key, autoscaler, scale, status)
        if wish.replicas == status.current:
            status.desired = status.current
            await self._write(autoscaler, status)
            return
        try:
            await self._targets.resize(resource, scale, wish.replicas)
        except StatusError as error:
            text = f"New size: {wish.replicas}; reason: {wish.reason}; error: {error.message}"
            self._warn(autoscaler, "FailedRescale", text)
            message = f"the HPA controller was unable to update the target scale: {error.message}"
            status.say(ABLE, False, "FailedUpdateScale", message)
            await self._write(autoscaler, status)
            raise _Failed(f"failed to rescale {key[1]}: {error.message}") from error
        message = f"the HPA controller was able to update the target scale to {wish.replicas}"
        status.say(ABLE, True, "SucceededRescale", message)
        text = f"New size: {wish.replicas}; reason: {wish.reason}"
        self._recorder.event(autoscaler, "Normal", "SuccessfulRescale", text)
        behavior = autoscaler["spec"].get("behavior")
        history.scaled(status.current, wish.replicas, self._clock.monotonic(), behavior)
        status.desired = wish.replicas
        status.rescaled()
        await self._write(autoscaler, status)

    async def _wish(self, key: Key, autoscaler: Object, scale: Object, status: Status) -> _Wish:
        spec, current = autoscaler["spec"], status.current
        least = spec.get("minReplicas")
        bounds = Bounds(current, 1 if least is None else least, spec["maxReplicas"])
        if current == 0 and bounds.least != 0:
            message = "scaling is disabled since the replica count of the target is zero"
            status.say(ACTIVE, False, "ScalingDisabled", message)
            status.metrics = ()
            return _Wish(0)
        if current > bounds.most:
            status.metrics = ()
            return _Wish(bounds.most, _ABOVE)
        if current < bounds.least:
            status.metrics = ()
            return _Wish(bounds.least, _BELOW)
        best = await self._measured(key, autoscaler, scale, status)
        reason = ""
        if best.replicas > current:
            reason = f"{best.name} above target"
        elif best.replicas < current:
            reason = "All metrics below target"
        behavior = spec.get("behavior")
        found = allowed(self._histories[key], best.replicas, bounds, behavior, self._clock.monotonic())
        status.say(ABLE, True, *found.able)
        status.say(LIMITED, found.limited, *found.limit)
        return _Wish(found.replicas, reason)

    async def _measured(self, key: Key, autoscaler: Object, scale: Object, status: Status) -> Proposal:
        """The greatest proposal of all metrics. Raises `_Failed`, with everything said."""
        metrics = autoscaler["spec"].get("metrics") or ()
        status.metrics = ()
        try:
            situation = self._situation(key, autoscaler, scale, status)
            return await self._greatest(autoscaler, metrics, situation, status)
        except _Failed as error:
            self._warn(autoscaler, "FailedComputeMetricsReplicas", str(error))
            await self._write(autoscaler, status)
            raise

    async def _greatest(
        self, autoscaler: Object, metrics: Sequence[Object], situation: Situation, status: Status
    ) -> Proposal:
        best: Proposal | None = None
        failures: list[SourceFailed] = []
        said: list[Object] = []
        for metric in metrics:
            try:
                proposal = await self._sources.propose(metric, situation)
            except SourceFailed as error:
                self._warn(autoscaler, error.reason, error.text)
                failures.append(error)
                said.append({"type": ""})
                continue
            said.append(proposal.status)
            if best is None or proposal.replicas > best.replicas:
                best = proposal
        status.metrics = said
        # With a metric missing nobody knows that fewer would do; that more are needed is known.
        if best is None or (failures and best.replicas < situation.spec_replicas):
            first = failures[0]
            message = f"the HPA was unable to compute the replica count: {first.text}"
            status.say(ACTIVE, False, first.reason, message)
            text = f"invalid metrics ({len(failures)} invalid out of {len(metrics)}), first error is: {first}"
            raise _Failed(text)
        message = f"the HPA was able to successfully calculate a replica count from {best.name}"
        status.say(ACTIVE, True, "ValidMetricFound", message)
        return best

    def _situation(self, key: Key, autoscaler: Object, scale: Object, status: Status) -> Situation:
        """Raises `_Failed` where nobody can tell which pods are meant, or others scale them too."""
        replicas: Object = scale.get("status") or {}
        text = replicas.get("selector") or ""
        if not text:
            self._warn(autoscaler, "SelectorRequired", "selector is required")
            status.say(ACTIVE, False, "InvalidSelector", "the HPA target's scale is missing a selector")
            raise _Failed("selector is required")
        try:
            selector = selectors.parse(text)
        except SelectorError as error:
            message = f"couldn't convert selector into a corresponding internal selector object: {error}"
            self._refuse(autoscaler, status, "InvalidSelector", message)
        self._selectors[key] = selector
        pods = [each for each in self._pods.in_namespace(key[0]) if selector.matches(_labels(each))]
        others = self._autoscalers_of(key[0], pods)
        if len(others) > 1:
            names = " ".join(sorted(others))
            message = f"pods by selector {text} are controlled by multiple HPAs: [{names}]"
            self._refuse(autoscaler, status, "AmbiguousSelector", message)
        return Situation(
            namespace=key[0],
            selector=text,
            pods=pods,
            spec_replicas=status.current,
            status_replicas=replicas.get("replicas") or 0,
            tolerances=tolerances(autoscaler["spec"].get("behavior")),
            now=self._clock.now(),
        )

    def _refuse(self, autoscaler: Object, status: Status, reason: str, message: str) -> NoReturn:
        self._warn(autoscaler, reason, message)
        status.say(ACTIVE, False, reason, message)
        raise _Failed(message)

    def _autoscalers_of(self, namespace: str, pods: list[Object]) -> set[str]:
        """Every autoscaler whose target selects one of the pods."""
        known = {key: selector for key, selector in self._selectors.items() if key[0] == namespace}
        if len(known) < 2:
            return set()
        return {"/".join(key) for key, selector in known.items() if any(selector.matches(_labels(pod)) for pod in pods)}

    def _warn(self, autoscaler: Object, reason: str, message: str) -> None:
        self._recorder.event(autoscaler, "Warning", reason, message)

    async def _write(self, autoscaler: Object, status: Status) -> None:
        old = autoscaler.get("status") or {}
        new = status.result(old)
        if new == old:
            return
        try:
            await self._client.update(RESOURCE, {**autoscaler, "status": new}, subresource="status")
        except NotFound:
            return
        except StatusError as error:
            self._warn(autoscaler, "FailedUpdateStatus", error.message)
            raise


def tolerances(behavior: Object | None) -> Tolerances:
    """The autoscaler's own where it has some (KEP-4951)."""

    def of(direction: str) -> float:
        value = ((behavior or {}).get(direction) or {}).get("tolerance")
        return DEFAULT_TOLERANCE if value is None else parse(value).nanos / 1e9

    return Tolerances(of("scaleUp"), of("scaleDown"))


def _labels(obj: Object) -> dict[str, str]:
    labels: dict[str, str] = obj["metadata"].get("labels") or {}
    return labels
