"""MutatingAdmissionPolicy: each policy that is concerned changes the object, on what the one before it made of it.

Source: k8s.io/apiserver/pkg/admission/plugin/policy/mutating (dispatcher.go), generic/policy_dispatcher.go, KEP-3962.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from wherry.api.errors import Cause, NotFound, StatusError
from wherry.api.types import Object
from wherry.apiserver.admission.attributes import Attributes
from wherry.apiserver.policies.merging import merged
from wherry.apiserver.policies.parameters import Misconfigured, parameters
from wherry.apiserver.policies.seen import bindings_of
from wherry.apiserver.policies.selecting import Policies, selectors_fit
from wherry.apiserver.webhooks.invocation import Match, subject_of
from wherry.apiserver.webhooks.patching import take_over
from wherry.policy.admission.compiled import Binding, MutatingPolicy, Mutation
from wherry.policy.admission.conditions import Budget, Failed, OutOfBudget, hold
from wherry.policy.admission.matching import Subject
from wherry.policy.admission.mutating import configuration_of, operations_of, patched
from wherry.policy.admission.validating import bound

_PLUGIN = "MutatingAdmissionPolicy"
Concerned = tuple[MutatingPolicy, tuple[Binding, ...], Match]
Key = tuple[str, str, int]


@dataclass(slots=True)
class _Memory:
    """Which policies look again in the second round."""

    asked: set[Key] = field(default_factory=set)
    again: set[Key] = field(default_factory=set)
    last: bytes = b""

    def require(self) -> None:
        self.again |= self.asked
        self.asked.clear()


@dataclass(frozen=True, slots=True)
class _Refusal:
    policy: str
    binding: str
    message: str

    def __str__(self) -> str:
        if self.binding:
            return f"policy '{self.policy}' with binding '{self.binding}' denied request: {self.message}"
        return f'policy "{self.policy}" denied request: {self.message}'


class MutatingPolicies:
    """The plugin."""

    name = "MutatingAdmissionPolicy"
    validating = False

    def __init__(self, policies: Policies[MutatingPolicy]) -> None:
        self._policies = policies

    def concerns(self, operation: str, qualified: str, subresource: str) -> bool:
        return operation != "DELETE" and self._policies.concern(operation, qualified, subresource)

    def __call__(self, attributes: Attributes) -> Awaitable[None] | None:
        if attributes.obj is None:
            return None
        subject = subject_of(attributes)
        concerned = list(self._policies.matching(attributes, subject))
        return self._all(attributes, subject, concerned) if concerned else None

    async def _all(self, attributes: Attributes, subject: Subject, concerned: Sequence[Concerned]) -> None:
        memory = _memory(attributes)
        if attributes.again and memory.last != orjson.dumps(attributes.obj):
            memory.require()
        refusals: list[_Refusal] = []
        for policy, bindings, found in concerned:
            for binding in bindings:
                refusals += await self._one(attributes, subject, policy, binding, found, memory)
        memory.last = orjson.dumps(attributes.obj)
        if refusals:
            raise _denied(attributes, refusals)

    async def _one(
        self,
        attributes: Attributes,
        subject: Subject,
        policy: MutatingPolicy,
        binding: Binding,
        found: Match,
        memory: _Memory,
    ) -> list[_Refusal]:
        """One policy with one of its bindings."""
        try:
            if not selectors_fit(policy.matching, attributes, subject):
                return []
            if not self._policies.selected(binding.matching, attributes, subject):
                return []
            namespace = "" if subject.is_namespace else subject.namespace
            given = await parameters(attributes.parts, policy, binding, namespace)
            for place, each in enumerate(given):
                key = (policy.name, binding.name, place)
                if not attributes.again or key in memory.again:
                    await _apply(attributes, subject, policy, found, each, memory)
                    if policy.reinvoke:
                        memory.asked.add(key)
        except (Misconfigured, NotFound, Failed, OutOfBudget) as error:
            return [] if policy.ignore_failures else [_Refusal(policy.name, binding.name, str(error))]
        return []


async def _apply(
    attributes: Attributes,
    subject: Subject,
    policy: MutatingPolicy,
    found: Match,
    parameter: Object | None,
    memory: _Memory,
) -> None:
    """Raises `Failed`, `OutOfBudget`; then nothing of this policy's is in the object."""
    known = {**await bindings_of(attributes, subject, found), "params": parameter}
    conditions = bound(policy.variables, {**known, "namespaceObject": None}, Budget())
    if not hold(policy.conditions, conditions, ignore_failures=policy.ignore_failures):
        return
    budget, before = Budget(), known["object"]
    for mutation in policy.mutations:
        change = _PATCHES[mutation.json_patch]
        # Each mutation, and the variables it asks for, looks at what the one before it made.
        known["object"] = change(found, mutation, known["object"], bound(policy.variables, known, budget), budget)
    if known["object"] == before:
        return
    await take_over(attributes, orjson.loads(orjson.dumps(known["object"])), found)
    memory.require()
    attributes.reinvoke = True


def _by_operations(found: Match, mutation: Mutation, obj: Object, bindings: dict[str, Any], budget: Budget) -> Object:
    return patched(obj, operations_of(mutation, bindings, budget))


def _by_merging(found: Match, mutation: Mutation, obj: Object, bindings: dict[str, Any], budget: Budget) -> Object:
    return merged(found.served, obj, configuration_of(mutation, bindings, budget))


_PATCHES: dict[bool, Callable[[Match, Mutation, Object, dict[str, Any], Budget], Object]] = {
    True: _by_operations,
    False: _by_merging,
}


def _memory(attributes: Attributes) -> _Memory:
    if attributes.memory is None:
        attributes.memory = {}
    memory: _Memory = attributes.memory.setdefault(_PLUGIN, _Memory())
    return memory


def _denied(attributes: Attributes, refusals: Sequence[_Refusal]) -> StatusError:
    error = attributes.forbid("admission request denied by policy")
    error.message = str(refusals[0])
    error.causes = tuple(Cause("", str(each)) for each in refusals)
    return error
