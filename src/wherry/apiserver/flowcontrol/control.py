"""The flow schemas and priority levels in force: followed in the store, kept at work, kept as they must be.

What always holds: a request is classified by the schema of the lowest precedence that matches and whose level is there;
what matches nothing falls to `catch-all`. The answer is remembered per kind of request until an object changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from wherry.api.types import Object
from wherry.apiserver.call import Call
from wherry.apiserver.flowcontrol.keeping import Keeper
from wherry.apiserver.flowcontrol.limits import LevelConfig, allocation, bounds, level_config
from wherry.apiserver.flowcontrol.matching import Rule, Target, matcher
from wherry.apiserver.flowcontrol.queues import Level, Waiter
from wherry.apiserver.flowcontrol.sharding import flow_hash
from wherry.apiserver.objects import decoded
from wherry.apiserver.parts import Parts
from wherry.apiserver.registry import storage_prefix
from wherry.apiserver.watching.frames import Change
from wherry.policy.user import User
from wherry.wire.messages import Headers

SCHEMAS = storage_prefix("flowcontrol.apiserver.k8s.io", "flowschemas")
LEVELS = storage_prefix("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations")
ADJUST_SECONDS = 0.1
"""How soon after one another seats are lent anew, when somebody has to wait."""
_KEPT = 10_000


class Schema:
    """A flow schema in force."""

    __slots__ = (
        "by", "dispatched", "executing", "headers", "level", "matches", "name", "precedence", "rejected", "seats", "uid",
        "waiting",
    )  # fmt: skip

    def __init__(self, obj: Object, level: Level) -> None:
        spec, metadata = obj["spec"], obj["metadata"]
        self.name: str = metadata["name"]
        self.uid: str = metadata.get("uid", "")
        self.level = level
        self.precedence = (spec.get("matchingPrecedence") or 0, self.name)
        self.by: str = (spec.get("distinguisherMethod") or {}).get("type", "")
        self.matches: Rule = matcher(obj)
        self.dispatched = self.executing = self.seats = self.waiting = 0
        self.rejected: dict[str, int] = {}
        self.headers: Headers = (
            ("X-Kubernetes-PF-FlowSchema-UID", self.uid),
            ("X-Kubernetes-PF-PriorityLevel-UID", level.config.uid),
        )

    def distinguisher(self, user: User, target: Target) -> str:
        if self.by == "ByUser":
            return user.name
        return target.namespace if self.by == "ByNamespace" else ""


@dataclass(frozen=True, slots=True)
class Flow:
    """What requests of one kind by one user belong to."""

    schema: Schema
    level: Level
    distinguisher: str
    hash: int
    """What queues it may wait in."""

    def refuse(self, reason: str) -> None:
        """A request is sent away."""
        rejected = self.schema.rejected
        rejected[reason] = rejected.get(reason, 0) + 1
        self.level.refuse(reason)

    def begin(self, width: int) -> None:
        self.schema.executing += 1
        self.schema.seats += width

    def end(self, width: int) -> None:
        self.schema.executing -= 1
        self.schema.seats -= width


class FlowControl:
    """Classifies requests and holds the levels. `start` once, when the store can be read; `close` at the end."""

    def __init__(self, parts: Parts, *, seats: int) -> None:
        self._parts = parts
        self._total = seats
        self._keeper = Keeper(parts)
        self._schemas: list[Schema] = []
        self._flows: dict[tuple[object, ...], Flow | None] = {}
        self._adjusted = float("-inf")
        self.levels: dict[str, Level] = {}

    def start(self) -> None:
        self._load()
        for prefix in (SCHEMAS, LEVELS):
            self._parts.hubs.of(prefix).attach(self)
        self._keeper.look(self._objects(SCHEMAS), self._objects(LEVELS))

    def close(self) -> None:
        self._keeper.close()

    def deliver(self, changes: Sequence[Change]) -> None:
        self._load()
        self._keeper.look(self._objects(SCHEMAS), self._objects(LEVELS))

    def _objects(self, prefix: str) -> list[Object]:
        return [decoded(entry) for entry in self._parts.store.range(prefix).entries]

    def _load(self) -> None:
        configs = {config.name: config for each in self._objects(LEVELS) for config in (level_config(each),)}
        self._set_levels(configs)
        before = {each.name: each for each in self._schemas}
        self._schemas = []
        for obj in self._objects(SCHEMAS):
            level = self.levels.get((obj["spec"].get("priorityLevelConfiguration") or {}).get("name", ""))
            if level is not None:
                schema = Schema(obj, level)
                if known := before.get(schema.name):
                    schema.dispatched, schema.rejected = known.dispatched, known.rejected
                self._schemas.append(schema)
        self._schemas.sort(key=lambda each: each.precedence)
        self._flows.clear()

    def _set_levels(self, configs: dict[str, LevelConfig]) -> None:
        divided = bounds(configs, self._total)
        for name in self.levels.keys() - configs.keys():
            del self.levels[name]
        for name, config in configs.items():
            known = self.levels.get(name)
            if known is None:
                self.levels[name] = Level(config, divided[name])
            elif (known.config, known.bounds) != (config, divided[name]):
                known.reconfigure(config, divided[name])

    @property
    def schemas(self) -> Sequence[Schema]:
        """In the order in which they are asked."""
        return self._schemas

    def flow_of(self, call: Call) -> Flow | None:
        """What a call belongs to; None only while there is no schema at all."""
        user, info = call.user, call.info
        key: tuple[object, ...]
        if info.resource_request:
            key = (user.name, user.groups, call.verb, info.group, info.plural, info.subresource, info.namespace)
        else:
            key = (user.name, user.groups, call.verb, info.path)
        try:
            return self._flows[key]
        except KeyError:
            if len(self._flows) >= _KEPT:
                self._flows.clear()
            found = self._flows[key] = self._classified(user, _target(call))
            return found

    def _classified(self, user: User, target: Target) -> Flow | None:
        for schema in self._schemas:
            if schema.matches(user, target):
                return _flow(schema, schema.distinguisher(user, target))
        last = next((each for each in self._schemas if each.name == "catch-all"), None)
        return _flow(last, user.name) if last else None

    def enqueue(self, flow: Flow, width: int, about: tuple[str, ...]) -> Waiter | None:
        """Wait for seats; None where there is no room to wait in. Seats that others do not need are lent first."""
        level, clock = flow.level, self._parts.clock
        admitted = asyncio.get_running_loop().create_future()
        waiter = Waiter(width, flow.schema.name, flow.distinguisher, clock.monotonic(), admitted, -1, about)
        entered = level.enqueue(waiter, flow.hash)
        if not entered:
            flow.refuse("queue-full" if level.config.queues else "concurrency-limit")
            return None
        if not waiter.entered:
            self.lend()
        return waiter

    def lend(self) -> None:
        """Divide the seats anew, by what each level could use."""
        now = self._parts.clock.monotonic()
        if now - self._adjusted < ADJUST_SECONDS:
            return
        self._adjusted = now
        limited = {name: level for name, level in self.levels.items() if not level.config.exempt}
        given = allocation(
            {name: level.bounds for name, level in limited.items()},
            {name: level.demand for name, level in limited.items()},
            self._total,
        )
        for name, level in limited.items():
            level.limit = given[name]
        for level in limited.values():
            level.let_in()


def _flow(schema: Schema, distinguisher: str) -> Flow:
    return Flow(schema, schema.level, distinguisher, flow_hash(schema.name, distinguisher))


def _target(call: Call) -> Target:
    info = call.info
    if not info.resource_request:
        return Target(verb=call.verb, path=info.path)
    resource = f"{info.plural}/{info.subresource}" if info.subresource else info.plural
    return Target(verb=call.verb, group=info.group, resource=resource, namespace=info.namespace)
