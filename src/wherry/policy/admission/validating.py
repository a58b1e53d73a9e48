"""What a validating policy says of one write: pure, everything it may look at comes as bindings.

Source: k8s.io/apiserver/pkg/admission/plugin/policy/validating/validator.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from wherry.machinery.cel.values import type_name
from wherry.policy.admission.compiled import ValidatingPolicy, Validation
from wherry.policy.admission.conditions import Budget, Expression, Failed, OutOfBudget, hold
from wherry.policy.admission.variables import Variables

_MESSAGE_BYTES, _ANNOTATION_BYTES = 5 * 1024, 10 * 1024


@dataclass(frozen=True, slots=True)
class Denial:
    """One validation that does not hold, or could not be judged; `index` is its place in the policy."""

    message: str
    reason: str = ""
    index: int = 0


@dataclass(slots=True)
class Judgement:
    denials: list[Denial] = field(default_factory=list)
    annotations: list[tuple[str, str]] = field(default_factory=list)
    errors: list[Denial] = field(default_factory=list)
    """Annotations that could not be made: refused whatever the binding's actions are."""


def judge(policy: ValidatingPolicy, bindings: Mapping[str, Any]) -> Judgement:
    """Look at one write with one parameter; never raises."""
    judgement = Judgement()
    try:
        known = {**bindings}
        known["variables"] = Variables(policy.variables, known, Budget())
        if not hold(policy.conditions, {**known, "namespaceObject": None}, ignore_failures=policy.ignore_failures):
            return judgement
        _validations(policy, bindings, judgement)
    except (Failed, OutOfBudget) as error:
        if not policy.ignore_failures:
            judgement.denials = [Denial(str(error))]
        return judgement
    _annotations(policy, bindings, judgement)
    return judgement


def bound(policy_variables: Mapping[str, Expression], bindings: Mapping[str, Any], budget: Budget) -> dict[str, Any]:
    """The bindings with the policy's variables, charged to that budget."""
    known = dict(bindings)
    known["variables"] = Variables(policy_variables, known, budget)
    return known


def _validations(policy: ValidatingPolicy, bindings: Mapping[str, Any], judgement: Judgement) -> None:
    budget = Budget()
    known = bound(policy.variables, bindings, budget)
    for index, validation in enumerate(policy.validations):
        try:
            if validation.condition.value(known, budget) is True:
                continue
        except Failed as error:
            if not policy.ignore_failures:
                judgement.denials.append(Denial(str(error), "", index))
            continue
        judgement.denials.append(Denial(_message(validation, known, budget), validation.reason or "Invalid", index))


def _message(validation: Validation, bindings: Mapping[str, Any], budget: Budget) -> str:
    """What the expression for it says, else the fixed message, else the condition itself."""
    return (
        _said(validation.message_expression, bindings, budget)
        or validation.message.strip()
        or f"failed expression: {validation.condition.text.strip()}"
    )


def _said(expression: Expression | None, bindings: Mapping[str, Any], budget: Budget) -> str:
    if expression is None:
        return ""
    try:
        value = expression.value(bindings, budget)
    except Failed:
        return ""
    text = value.strip() if isinstance(value, str) else ""
    return "" if "\n" in text or len(text.encode()) > _MESSAGE_BYTES else text


def _annotations(policy: ValidatingPolicy, bindings: Mapping[str, Any], judgement: Judgement) -> None:
    budget = Budget()
    known = bound(policy.variables, bindings, budget)
    for key, expression in policy.audit_annotations:
        try:
            judgement.annotations.extend((key, text) for text in _texts(expression, known, budget))
        except (Failed, OutOfBudget) as error:
            if not policy.ignore_failures:
                judgement.errors.append(Denial(str(error)))


def _texts(expression: Expression, bindings: Mapping[str, Any], budget: Budget) -> Iterator[str]:
    value = expression.value(bindings, budget)
    if isinstance(value, str):
        if text := value.strip():
            yield text[:_ANNOTATION_BYTES]
    elif value is not None:
        raise Failed(
            f"valueExpression '{expression.text}' resulted in unsupported return type: {type_name(value)}."
            " Return type must be either string or null."
        )
