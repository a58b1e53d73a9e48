"""What a definition's rules must keep to: they compile, are worth their cost, and compare only what can be matched.

Source: k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation (validation.go, cel_validation.go).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from wherry.api.customresources.expression_types import Declared, declared, max_cardinality
from wherry.api.customresources.rules import (
    DEFINITION_LIMIT,
    RULE_LIMIT,
    Rule,
    compile_rules,
    field_path,
    go_rule,
)
from wherry.api.customresources.structural import VALIDATIONS, Schema
from wherry.api.validation.errors import Errors, ErrorType, FieldError, Plain
from wherry.machinery.cel.bounds import MOST

REASONS: Final = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired")
_ADVICE: Final = "(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)"
_NO_TYPE: Final = (
    "internal error: failed to construct type information for x-kubernetes-validations rules: "
    "unable to convert structural schema to CEL declarations"
)
_BREAKS = re.compile(r"[\n\r]")


@dataclass(slots=True)
class Total:
    """The estimated cost of all rules of a schema, and the four that cost most."""

    cost: int = 0
    most: list[tuple[int, str]] = field(default_factory=list)

    def add(self, path: str, cost: int) -> None:
        self.cost = min(self.cost + cost, MOST)
        if cost >= DEFINITION_LIMIT // 100:
            self.most = sorted([*self.most, (cost, path)], key=lambda each: -each[0])[:4]

    def report(self, errors: Errors, path: str) -> None:
        if self.cost <= DEFINITION_LIMIT:
            return
        why = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema"
        for _, place in self.most:
            errors.forbidden(place, why)
        name = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema"
        errors.forbidden(path, _too_much(name, self.cost, DEFINITION_LIMIT))


def check_form(errors: Errors, schema: Schema, path: str) -> None:
    """What can be said of rules without compiling them."""
    for index, rule in enumerate(schema.get(VALIDATIONS) or ()):
        _form(errors, schema, rule, f"{path}.{VALIDATIONS}[{index}]")


def _form(errors: Errors, schema: Schema, rule: Mapping[str, Any], path: str) -> None:
    text, message = (rule.get("rule") or "").strip(), rule.get("message") or ""
    if not text:
        errors.required(f"{path}.rule", "rule is not specified")
    elif message and not message.strip():
        errors.invalid(f"{path}.message", message, "message must be non-empty if specified")
    elif _BREAKS.search(message.strip()):
        errors.invalid(f"{path}.message", message, "message must not contain line breaks")
    elif _BREAKS.search(text) and not message.strip():
        errors.required(f"{path}.message", "message must be specified if rule contains line breaks")
    expression = rule.get("messageExpression") or ""
    if expression and not expression.strip():
        errors.required(f"{path}.messageExpression", "messageExpression must be non-empty if specified")
    if (reason := rule.get("reason")) is not None and reason not in REASONS:
        errors.not_supported(f"{path}.reason", reason, REASONS)
    place = rule.get("fieldPath") or ""
    if place and not place.strip():
        errors.invalid(f"{path}.fieldPath", place, "fieldPath must be non-empty if specified")
    if _BREAKS.search(place):
        errors.invalid(f"{path}.fieldPath", place, "fieldPath must not contain line breaks")
    if place and field_path(schema, place) is None:
        errors.invalid(f"{path}.fieldPath", place, "fieldPath must be a valid path")


def check_rules(
    errors: Errors, schema: Schema, path: str, total: Total, *, root: bool, cardinality: int | None, uncorrelated: str
) -> None:
    """Compile the rules of one node. `cardinality` is how often the node can be there at most, None if nobody knows;
    `uncorrelated` the path of the list that parts old from new, if there is one."""
    if not schema.get(VALIDATIONS):
        return
    self_type = declared(schema, root=root)
    if self_type is None:
        errors.append(FieldError(ErrorType.INTERNAL, f"{path}.{VALIDATIONS}", "", _NO_TYPE))
        return
    for index, rule in enumerate(compile_rules(schema, self_type)):
        here = f"{path}.{VALIDATIONS}[{index}]"
        _cost(errors, rule, here, total, self_type, cardinality)
        _compilation(errors, rule, here)
        _message_cost(errors, rule, here, total)
        if rule.uses_old and uncorrelated:
            why = f"oldSelf cannot be used on the uncorrelatable portion of the schema within {uncorrelated}"
            errors.invalid(f"{here}.rule", rule.source.get("rule"), why)
        elif not rule.uses_old and rule.source.get("optionalOldSelf") is not None:
            why = "may not be set if oldSelf is not used in rule"
            errors.invalid(f"{here}.optionalOldSelf", rule.source["optionalOldSelf"], why)


def _cost(errors: Errors, rule: Rule, path: str, total: Total, self_type: Declared, cardinality: int | None) -> None:
    if rule.program is None:
        return
    times = max_cardinality(self_type.least) if cardinality is None else cardinality
    cost = min(rule.program.cost_estimate().high * times, MOST)
    if cost > RULE_LIMIT:
        errors.forbidden(f"{path}.rule", _too_much("estimated rule cost", cost, RULE_LIMIT))
    total.add(f"{path}.rule", cost)


def _compilation(errors: Errors, rule: Rule, path: str) -> None:
    if rule.error:
        errors.invalid(f"{path}.rule", Plain(go_rule(rule.source)), rule.error)
    if rule.message_error:
        errors.invalid(f"{path}.messageExpression", Plain(go_rule(rule.source)), rule.message_error)


def _message_cost(errors: Errors, rule: Rule, path: str, total: Total) -> None:
    if rule.message is None:
        return
    cost = rule.message.cost_estimate().high
    if cost > RULE_LIMIT:
        errors.forbidden(f"{path}.messageExpression", _too_much("estimated messageExpression cost", cost, RULE_LIMIT))
    total.add(f"{path}.messageExpression", cost)


def _too_much(name: str, cost: int, limit: int) -> str:
    factor = cost / limit
    shown = "more than 100x" if factor > 100 else f"{factor:f}x" if factor < 1.5 else f"{factor:.1f}x"
    return f"{name} exceeds budget by factor of {shown} {_ADVICE}"
