"""ValidatingAdmissionPolicy: every policy that is concerned looks at the write; the first refusal is the answer.

Source: k8s.io/apiserver/pkg/admission/plugin/policy/validating/dispatcher.go.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import orjson

from wherry.api.errors import Cause, NotFound, StatusError
from wherry.apiserver.admission.attributes import Attributes
from wherry.apiserver.policies.metrics import PolicyMetrics
from wherry.apiserver.policies.parameters import Misconfigured, parameters
from wherry.apiserver.policies.seen import bindings_of
from wherry.apiserver.policies.selecting import Policies, selectors_fit
from wherry.apiserver.webhooks.invocation import Match, subject_of
from wherry.policy.admission.compiled import Binding, ValidatingPolicy
from wherry.policy.admission.matching import Subject
from wherry.policy.admission.validating import Denial, Judgement, judge

_CODES = {"Unauthorized": 401, "Forbidden": 403, "Invalid": 422, "RequestEntityTooLarge": 413}
_FAILURE = "validation.policy.admission.k8s.io/validation_failure"
Concerned = tuple[ValidatingPolicy, tuple[Binding, ...], Match]


@dataclass(frozen=True, slots=True)
class _Refusal:
    policy: str
    binding: str
    message: str
    reason: str = ""

    def __str__(self) -> str:
        bound = f" with binding '{self.binding}'" if self.binding else ""
        return f"ValidatingAdmissionPolicy '{self.policy}'{bound} denied request: {self.message}"


class ValidatingPolicies:
    """The plugin."""

    name = "ValidatingAdmissionPolicy"
    validating = True

    def __init__(self, policies: Policies[ValidatingPolicy], metrics: PolicyMetrics) -> None:
        self._policies = policies
        self._metrics = metrics

    def concerns(self, operation: str, qualified: str, subresource: str) -> bool:
        return self._policies.concern(operation, qualified, subresource)

    def __call__(self, attributes: Attributes) -> Awaitable[None] | None:
        subject = subject_of(attributes)
        concerned = list(self._policies.matching(attributes, subject))
        return self._judge_all(attributes, subject, concerned) if concerned else None

    async def _judge_all(self, attributes: Attributes, subject: Subject, concerned: Sequence[Concerned]) -> None:
        refusals: list[_Refusal] = []
        for policy, bindings, found in concerned:
            refusals += await self._judge(attributes, subject, policy, bindings, found)
        if refusals:
            raise _denied(attributes, refusals[0])

    async def _judge(
        self,
        attributes: Attributes,
        subject: Subject,
        policy: ValidatingPolicy,
        bindings: Sequence[Binding],
        found: Match,
    ) -> list[_Refusal]:
        refusals: list[_Refusal] = []
        annotations: dict[str, dict[str, None]] = {}
        binding: Binding | None = None
        try:
            if not selectors_fit(policy.matching, attributes, subject):
                return []
            known = await bindings_of(attributes, subject, found)
        except NotFound as error:
            return _misconfigured(policy, None, f"failed to configure policy: {error.message}")
        for binding in bindings:
            try:
                if not self._policies.selected(binding.matching, attributes, subject):
                    continue
                given = await parameters(attributes.parts, policy, binding, _namespace(subject))
            except (Misconfigured, NotFound) as error:
                refusals += _misconfigured(policy, binding, str(error))
                continue
            for each in given:
                began = attributes.parts.clock.monotonic()
                judgement = judge(policy, {**known, "params": each})
                seconds = attributes.parts.clock.monotonic() - began
                for action, denial in product(binding.actions, judgement.denials):
                    self._metrics.observe(policy.name, binding.name, action, denial, seconds)
                refusals += _act(attributes, policy, binding, judgement)
                for key, text in judgement.annotations:
                    annotations.setdefault(key, {})[text] = None
        for key, texts in annotations.items():
            attributes.call.annotate(f"{policy.name}/{key}", ", ".join(texts))
        return refusals


def _namespace(subject: Subject) -> str:
    return "" if subject.is_namespace else subject.namespace


def _misconfigured(policy: ValidatingPolicy, binding: Binding | None, why: str) -> list[_Refusal]:
    return [] if policy.ignore_failures else [_Refusal(policy.name, binding.name if binding else "", why)]


def _act(
    attributes: Attributes, policy: ValidatingPolicy, binding: Binding, judgement: Judgement
) -> Iterator[_Refusal]:
    """Do as the binding says with what does not hold; gives what is to be refused."""
    for denial in judgement.denials:
        if "Deny" in binding.actions:
            yield _Refusal(policy.name, binding.name, denial.message, denial.reason)
        if "Audit" in binding.actions:
            attributes.call.annotate(_FAILURE, _failure(policy, binding, denial))
        if "Warn" in binding.actions:
            attributes.warn(
                f"Validation failed for ValidatingAdmissionPolicy '{policy.name}' with binding '{binding.name}':"
                f" {denial.message}"
            )
    for error in judgement.errors:
        yield _Refusal(policy.name, binding.name, error.message)


def _failure(policy: ValidatingPolicy, binding: Binding, denial: Denial) -> str:
    value = {
        "message": denial.message,
        "policy": policy.name,
        "binding": binding.name,
        "expressionIndex": denial.index,
        "validationActions": list(binding.actions),
    }
    return orjson.dumps([value]).decode()


def _denied(attributes: Attributes, refusal: _Refusal) -> StatusError:
    message = str(refusal)
    error = attributes.forbid(message)
    reason = refusal.reason or "Invalid"
    error.status_reason, error.status_code = reason, _CODES.get(reason, 422)
    error.causes = (Cause("", message),)
    return error
