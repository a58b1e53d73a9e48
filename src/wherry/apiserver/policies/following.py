"""The plugins over what the store has: policies and bindings compiled in the delivery of their changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from wherry.api.types import Object
from wherry.apiserver.parts import Parts
from wherry.apiserver.policies.metrics import PolicyMetrics
from wherry.apiserver.policies.mutating import MutatingPolicies
from wherry.apiserver.policies.selecting import Policies
from wherry.apiserver.policies.validating import ValidatingPolicies
from wherry.apiserver.registry import storage_prefix
from wherry.apiserver.webhooks.follower import Compiled
from wherry.policy.admission.compiled import binding_of, mutating_policy_of, validating_policy_of
from wherry.policy.admission.matching import CONFIGURATION_GROUP

T = TypeVar("T")


def validating(parts: Parts, policies: str, bindings: str) -> ValidatingPolicies:
    metrics = PolicyMetrics()
    parts.metrics.add(metrics.lines)
    return ValidatingPolicies(
        Policies(_of(parts, policies, validating_policy_of), _of(parts, bindings, binding_of), parts.registry), metrics
    )


def mutating(parts: Parts, policies: str, bindings: str) -> MutatingPolicies:
    return MutatingPolicies(
        Policies(_of(parts, policies, mutating_policy_of), _of(parts, bindings, binding_of), parts.registry)
    )


def _of(
    parts: Parts, plural: str, compile: Callable[[Object], Sequence[T]]
) -> Callable[[Callable[[], None]], Compiled[T]]:
    def make(changed: Callable[[], None]) -> Compiled[T]:
        def both() -> None:
            changed()
            parts.admission.choose_anew()

        prefix = storage_prefix(CONFIGURATION_GROUP, plural)
        return Compiled(parts.store, parts.hubs, prefix, compile=compile, changed=both)

    return make
