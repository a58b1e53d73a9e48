"""Extenders: others who have a say over HTTP. They filter and score what the plugins have left, may spare victims of a
preemption, and may bind.

JSON is POSTed to `urlPrefix/verb`; the fields are those of k8s.io/kube-scheduler/extender/v1, which begin with capitals.
An ignorable extender that does not answer is passed over; with any other one the pod is tried again later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from wherry.api.types import Object
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.client.answers import content
from wherry.client.http_transport import HttpTransport
from wherry.client.kubeconfig import Connection
from wherry.scheduler.cache import Cache
from wherry.scheduler.configuration.model import ExtenderConfig
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.post_filter import Candidate
from wherry.scheduler.framework.scoring import MAX_SCORE
from wherry.scheduler.framework.status import Status, unresolvable, unschedulable

NAME = "Extender"
"""The plugin that stands for all extenders where a pod is rejected: any change may help it."""

_SCALE = MAX_SCORE // 10
"""Extenders score from 0 to 10."""


class ExtenderError(Exception):
    """An extender that must be heard did not answer, or said that it failed."""


class Extender:
    """One extender. Its calls raise `ExtenderError`."""

    def __init__(self, config: ExtenderConfig, clock: Clock) -> None:
        self.config = config
        self._clock = clock
        self._transport = HttpTransport.of(_connection(config), clock=clock)

    def concerns(self, pod: PodInfo) -> bool:
        managed = self.config.managed_resources
        if not managed:
            return True
        containers = [*(pod.spec.get("initContainers") or ()), *(pod.spec.get("containers") or ())]
        asked = (each.get("resources") or {} for each in containers)
        return any(
            name in managed for each in asked for field in ("requests", "limits") for name in each.get(field) or ()
        )

    async def filter(self, pod: PodInfo, nodes: Sequence[str], cache: Cache) -> tuple[list[str], dict[str, Status]]:
        """The nodes that are left, and why the others are not."""
        answer = await self._post(self.config.filter_verb, self._about(pod, nodes, cache))
        if answer.get("Error"):
            raise ExtenderError(answer["Error"])
        rejected = {name: unschedulable(NAME, text) for name, text in (answer.get("FailedNodes") or {}).items()}
        for name, text in (answer.get("FailedAndUnresolvableNodes") or {}).items():
            rejected[name] = unresolvable(NAME, text)
        if self.config.node_cache_capable and answer.get("NodeNames") is not None:
            left = set(answer["NodeNames"])
        else:
            items = (answer.get("Nodes") or {}).get("items") or ()
            left = {item["metadata"]["name"] for item in items}
        return [name for name in nodes if name in left], rejected

    async def prioritize(self, pod: PodInfo, nodes: Sequence[str], cache: Cache) -> dict[str, int]:
        """What to add to the scores of nodes."""
        answer = await self._post(self.config.prioritize_verb, self._about(pod, nodes, cache))
        factor = self.config.weight * _SCALE
        return {each["Host"]: int(each["Score"]) * factor for each in answer or ()}

    async def bind(self, pod: PodInfo, node: str) -> None:
        uid = pod.obj["metadata"].get("uid", "")
        request = {"PodName": pod.name, "PodNamespace": pod.namespace, "PodUID": uid, "Node": node}
        answer = await self._post(self.config.bind_verb, request)
        if answer and answer.get("Error"):
            raise ExtenderError(answer["Error"])

    async def preempt(self, pod: PodInfo, candidates: Sequence[Candidate]) -> list[Candidate]:
        """The candidates that it agrees with; of their victims it may spare some."""
        request = {"Pod": pod.obj, **self._victims(candidates)}
        answer = await self._post(self.config.preempt_verb, request)
        said: Mapping[str, Any] = answer.get("NodeNameToMetaVictims") or {}
        found = []
        for candidate in candidates:
            if (victims := said.get(candidate.node)) is not None:
                uids = {each["UID"] for each in victims.get("Pods") or ()}
                kept = tuple(victim for victim in candidate.victims if victim.uid in uids)
                found.append(Candidate(candidate.node, kept, victims.get("NumPDBViolations") or 0))
        return [candidate for candidate in found if candidate.victims]

    async def aclose(self) -> None:
        await self._transport.aclose()

    def _about(self, pod: PodInfo, nodes: Sequence[str], cache: Cache) -> Object:
        if self.config.node_cache_capable:
            return {"Pod": pod.obj, "Nodes": None, "NodeNames": list(nodes)}
        found = (cache.node(name) for name in nodes)
        items = [info.node for info in found if info is not None]
        return {"Pod": pod.obj, "Nodes": {"metadata": {}, "items": items}, "NodeNames": None}

    def _victims(self, candidates: Sequence[Candidate]) -> Object:
        """Whole pods, or their uids for an extender that knows them."""
        short = self.config.node_cache_capable
        victims = {
            each.node: {
                "Pods": [{"UID": victim.uid} if short else victim.obj for victim in each.victims],
                "NumPDBViolations": each.violations,
            }
            for each in candidates
        }
        return {"NodeNameToMetaVictims" if short else "NodeNameToVictims": victims}

    async def _post(self, verb: str, request: Object) -> Any:
        headers = {"content-type": "application/json", "accept": "application/json"}
        url = f"{self.config.url}/{verb}"
        try:
            async with self._clock.timeout(self.config.timeout_seconds):
                answer = await self._transport.request("POST", f"/{verb}", headers=headers, body=orjson.dumps(request))
            if answer.status != 200:
                raise ExtenderError(f"failed {verb} with extender at URL {self.config.url}, code {answer.status}")
            return orjson.loads(content(answer))
        except (OSError, ConnectionError, TimeoutError, ValueError) as error:
            raise ExtenderError(f'Post "{url}": {error}') from error


class Extenders:
    """All that are configured, in their order."""

    def __init__(self, configs: Sequence[ExtenderConfig], *, cache: Cache, clock: Clock, log: Logger) -> None:
        self._extenders = [Extender(config, clock) for config in configs]
        self._cache = cache
        self._log = log

    def concern(self, pod: PodInfo) -> bool:
        """Whether any of them has a say about where the pod goes."""
        return any(
            each.concerns(pod) and (each.config.filter_verb or each.config.prioritize_verb or each.config.preempt_verb)
            for each in self._extenders
        )

    def binder(self, pod: PodInfo) -> Extender | None:
        return next((each for each in self._extenders if each.config.bind_verb and each.concerns(pod)), None)

    async def filter(self, pod: PodInfo, nodes: Sequence[str]) -> tuple[list[str], dict[str, Status]]:
        """Raises `ExtenderError`."""
        left, rejected = list(nodes), dict[str, Status]()
        for each in self._extenders:
            if not left or not each.config.filter_verb or not each.concerns(pod):
                continue
            try:
                left, more = await each.filter(pod, left, self._cache)
            except ExtenderError as error:
                if not each.config.ignorable:
                    raise
                self._log.warning("extender passed over", extender=each.config.url, error=str(error))
                continue
            rejected.update(more)
        return left, rejected

    async def prioritize(self, pod: PodInfo, scores: dict[str, int]) -> None:
        """Add what they say to the scores; who does not answer adds nothing."""
        for each in self._extenders:
            if not each.config.prioritize_verb or not each.concerns(pod):
                continue
            try:
                for node, score in (await each.prioritize(pod, list(scores), self._cache)).items():
                    if node in scores:
                        scores[node] += score
            except ExtenderError as error:
                self._log.warning("extender passed over", extender=each.config.url, error=str(error))

    async def preempt(self, pod: PodInfo, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Raises `ExtenderError`."""
        left = list(candidates)
        for each in self._extenders:
            if not left or not each.config.preempt_verb or not each.concerns(pod):
                continue
            try:
                left = await each.preempt(pod, left)
            except ExtenderError:
                if not each.config.ignorable:
                    raise
        return left

    async def aclose(self) -> None:
        for each in self._extenders:
            await each.aclose()


def _connection(config: ExtenderConfig) -> Connection:
    tls = config.tls

    def data(name: str) -> bytes:
        if tls.get(f"{name}Data"):
            return str(tls[f"{name}Data"]).encode()
        return Path(tls[f"{name}File"]).read_bytes() if tls.get(f"{name}File") else b""

    return Connection(
        server=config.url,
        ca=data("ca"),
        cert=data("cert"),
        key=data("key"),
        insecure=bool(tls.get("insecure")),
        server_name=tls.get("serverName") or "",
    )
