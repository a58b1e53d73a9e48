"""Validating webhooks: all that are concerned are asked at once; the first refusal, in their order, is the answer.

Source: k8s.io/apiserver/pkg/admission/plugin/webhook/validating/dispatcher.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence

from wherry.apiserver.admission.attributes import Attributes
from wherry.apiserver.registry import Registry
from wherry.apiserver.webhooks.asking import Asking
from wherry.apiserver.webhooks.configuration import Hook
from wherry.apiserver.webhooks.follower import Compiled
from wherry.apiserver.webhooks.invocation import Match, match, may_concern, subject_of
from wherry.policy.admission.matching import Subject


class ValidatingWebhooks:
    """The plugin. It waits only where some webhook is concerned."""

    name = "ValidatingAdmissionWebhook"
    validating = True

    def __init__(self, hooks: Compiled[Hook], asking: Asking, registry: Registry) -> None:
        self._hooks = hooks
        self._asking = asking
        self._registry = registry

    def concerns(self, operation: str, qualified: str, subresource: str) -> bool:
        hooks = self._hooks.all
        return any(may_concern(hook.rules, self._registry, operation, qualified, subresource) for hook in hooks)

    def __call__(self, attributes: Attributes) -> Awaitable[None] | None:
        subject = subject_of(attributes)
        asked: list[tuple[Hook, Match]] = []
        for hook in self._hooks.all:
            found = match(hook.rules, attributes, subject, equivalent=hook.equivalent, registry=self._registry)
            if found is not None and self._asking.selected(hook, attributes, subject):
                asked.append((hook, found))
        return self._ask_all(attributes, subject, asked) if asked else None

    async def _ask_all(self, attributes: Attributes, subject: Subject, asked: Sequence[tuple[Hook, Match]]) -> None:
        if any(hook.conditions for hook, _ in asked):
            held = [await self._asking.conditions_hold(hook, attributes, subject, found) for hook, found in asked]
            asked = [each for each, holds in zip(asked, held, strict=True) if holds]
        if len(asked) == 1:
            await self._asking.ask(asked[0][0], attributes, subject, asked[0][1])
            return
        answers = await asyncio.gather(
            *(self._asking.ask(hook, attributes, subject, found) for hook, found in asked), return_exceptions=True
        )
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
