"""Mutating webhooks: asked one after the other, each on what the one before it made of the object.

Who changed the object has the others look again, once: those that want it (`reinvocationPolicy: IfNeeded`) and were asked
before, and the server's own plugins.
Source: k8s.io/apiserver/pkg/admission/plugin/webhook/mutating (dispatcher.go, reinvocationcontext.go).
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field

import orjson

from wherry.apiserver.admission.attributes import Attributes
from wherry.apiserver.registry import Registry
from wherry.apiserver.webhooks.asking import Asking
from wherry.apiserver.webhooks.configuration import Hook
from wherry.apiserver.webhooks.follower import Compiled
from wherry.apiserver.webhooks.invocation import Match, match, may_concern, subject_of
from wherry.apiserver.webhooks.patching import apply_patch
from wherry.policy.admission.matching import Subject

_PLUGIN = "MutatingAdmissionWebhook"


@dataclass(slots=True)
class _Memory:
    """Which webhooks are asked again in the second look."""

    asked: set[str] = field(default_factory=set)
    """Those that want it, as long as nobody after them changed the object."""
    again: set[str] = field(default_factory=set)
    last: bytes = b""
    """The object as they left it."""

    def require(self) -> None:
        self.again |= self.asked
        self.asked.clear()


class MutatingWebhooks:
    """The plugin. It waits only where some webhook is concerned."""

    name = "MutatingAdmissionWebhook"
    validating = False

    def __init__(self, hooks: Compiled[Hook], asking: Asking, registry: Registry) -> None:
        self._hooks = hooks
        self._asking = asking
        self._registry = registry

    def concerns(self, operation: str, qualified: str, subresource: str) -> bool:
        hooks = self._hooks.all
        return any(may_concern(hook.rules, self._registry, operation, qualified, subresource) for hook in hooks)

    def __call__(self, attributes: Attributes) -> Awaitable[None] | None:
        subject = subject_of(attributes)
        asked: list[tuple[int, Hook, Match]] = []
        for position, hook in enumerate(self._hooks.all):
            found = match(hook.rules, attributes, subject, equivalent=hook.equivalent, registry=self._registry)
            if found is not None:
                asked.append((position, hook, found))
        return self._ask_all(attributes, subject, asked) if asked else None

    async def _ask_all(
        self, attributes: Attributes, subject: Subject, asked: Sequence[tuple[int, Hook, Match]]
    ) -> None:
        memory = _memory(attributes)
        if attributes.again and memory.last != _dumped(attributes):
            memory.require()
        for position, hook, found in asked:
            if attributes.again and hook.key not in memory.again:
                continue
            # What selectors say is looked at only now: a webhook before may have changed the labels.
            if self._asking.selected(hook, attributes, subject) and await self._asking.conditions_hold(
                hook, attributes, subject, found
            ):
                await self._one(attributes, subject, position, hook, found, memory)
        memory.last = _dumped(attributes)

    async def _one(
        self, attributes: Attributes, subject: Subject, position: int, hook: Hook, found: Match, memory: _Memory
    ) -> None:
        where = f"round_{int(attributes.again)}_index_{position}"
        names = {"configuration": hook.configuration, "webhook": hook.name}
        verdict = await self._asking.ask(hook, attributes, subject, found)
        if verdict is None:
            attributes.call.annotate(f"failed-open.mutation.webhook.admission.k8s.io/{where}", hook.name)
        patch = verdict.patch if verdict is not None else None
        changed = bool(patch) and await apply_patch(attributes, hook.name, found, patch)
        _annotate(attributes, "mutation", where, {**names, "mutated": changed})
        if changed:
            _annotate(attributes, "patch", where, {**names, "patch": patch, "patchType": "JSONPatch"})
            memory.require()
            attributes.reinvoke = True
        if hook.reinvoke:
            memory.asked.add(hook.key)


def _memory(attributes: Attributes) -> _Memory:
    if attributes.memory is None:
        attributes.memory = {}
    memory: _Memory = attributes.memory.setdefault(_PLUGIN, _Memory())
    return memory


def _dumped(attributes: Attributes) -> bytes:
    return orjson.dumps(attributes.obj)


def _annotate(attributes: Attributes, what: str, where: str, value: dict[str, object]) -> None:
    attributes.call.annotate(f"{what}.webhook.admission.k8s.io/{where}", orjson.dumps(value).decode())
