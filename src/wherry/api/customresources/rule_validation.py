"""Evaluating the rules of a kind on its objects: at every level of the schema, within one budget.

Old values are matched with new ones through fields and keys of map-like lists; where that is not possible, rules about
changes (`oldSelf`) do not run. A rule that fails on what did not change is a warning only, unless it is about changes.
Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go; KEP-2876, KEP-4008.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import orjson

from wherry.api.customresources.expression_types import declared, with_object_meta
from wherry.api.customresources.expression_values import Conversion, conversion
from wherry.api.customresources.rules import Rule, compile_rules, field_path
from wherry.api.customresources.structural import (
    EMBEDDED,
    LIST_MAP_KEYS,
    LIST_TYPE,
    MAP_TYPE,
    VALIDATIONS,
    Schema,
)
from wherry.api.validation.errors import Errors, ErrorType, FieldError
from wherry.machinery.cel.environment import PER_CALL_LIMIT
from wherry.machinery.cel.values import NONE, CostExceeded, EvaluationError, Optional

BUDGET: Final = 10_000_000
"""What all rules may cost for one object."""
MAX_MESSAGE: Final = 5 * 1024
NOT_CHECKED: Final = "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation"
_BLOCKING: Final = frozenset(
    {ErrorType.NOT_SUPPORTED, ErrorType.REQUIRED, ErrorType.TOO_LONG, ErrorType.TOO_MANY, ErrorType.TYPE_INVALID}
)
_REASONS: Final = {
    "FieldValueForbidden": ErrorType.FORBIDDEN, "FieldValueRequired": ErrorType.REQUIRED,
    "FieldValueDuplicate": ErrorType.DUPLICATE,
}  # fmt: skip
_OUT_OF_BUDGET: Final = "validation failed due to running out of cost budget, no further validation rules will be run"
ABSENT: Any = object()
"""There is no old value, or none that can be matched."""


class RuleValidator:
    """The rules of a schema and of all below it. `make` gives None where there are none."""

    def __init__(self, schema: Schema, *, root: bool) -> None:
        self.kind: str = schema.get("type") or ""
        self_type = declared(schema, root=root) if schema.get(VALIDATIONS) else None
        self.rules: list[Rule] = compile_rules(schema, self_type) if self_type is not None else []
        self.paths = [field_path(schema, rule.source.get("fieldPath") or "") or "" for rule in self.rules]
        self._convert: Conversion | None = conversion(with_object_meta(schema) if root else schema)
        self._matched = schema.get(MAP_TYPE) != "atomic"
        keyed = schema.get(LIST_TYPE) == "map"
        self._keys: tuple[str, ...] = tuple(schema.get(LIST_MAP_KEYS) or ()) if keyed else ()
        self._properties: dict[str, RuleValidator] = {}
        for name, inner in (schema.get("properties") or {}).items():
            if (below := RuleValidator.make(inner, root=bool(inner.get(EMBEDDED)))) is not None:
                self._properties[name] = below
        self._items = _below(schema.get("items"))
        self._additional = _below(schema.get("additionalProperties"))

    @classmethod
    def make(cls, schema: Schema, *, root: bool) -> RuleValidator | None:
        return cls(schema, root=root) if _has_rules(schema) else None

    def check(self, errors: Errors, obj: Any, old: Any = ABSENT) -> list[FieldError]:
        """Note what is wrong with a whole object; gives what is only worth a warning."""
        if any(error.type in _BLOCKING for error in errors):
            errors.invalid("<nil>", None, NOT_CHECKED)
            return []
        run = _Run(errors)
        self._visit(run, "", obj, old, _Parent(ABSENT, ABSENT))
        return run.warnings

    def check_default(self, errors: Errors, value: Any, path: str) -> None:
        """Note what is wrong with a default; it counts as its own old value."""
        run = _Run(errors)
        run.ratchets = False
        self._visit(run, path, value, value, _Parent(ABSENT, ABSENT))

    def _visit(self, run: _Run, path: str, value: Any, old: Any, parent: _Parent) -> None:
        if value is None or run.stopped:
            return
        if self.rules:
            _Node(self, run, path, value, old, parent).evaluate(self._convert)
        if value.__class__ is list and self._items is not None:
            self._visit_items(run, path, value, old)
        elif value.__class__ is dict:
            self._visit_fields(run, path, value, old)

    def _visit_fields(self, run: _Run, path: str, value: dict[str, Any], old: Any) -> None:
        before = old if old.__class__ is dict and self._matched else {}
        here = _Parent(value, old)
        for name, item in value.items():
            below = self._properties.get(name)
            if below is not None:
                inner = f"{path}.{name}" if path else name
                below._visit(run, inner, item, before.get(name, ABSENT), here)
            elif self._additional is not None:
                self._additional._visit(run, f"{path}[{name}]", item, before.get(name, ABSENT), here)

    def _visit_items(self, run: _Run, path: str, value: list[Any], old: Any) -> None:
        assert self._items is not None
        before = {self._key(item): item for item in old} if self._keys and old.__class__ is list else {}
        here = _Parent(value, old)
        for index, item in enumerate(value):
            matched = before.get(self._key(item), ABSENT) if before else ABSENT
            self._items._visit(run, f"{path}[{index}]", item, matched, here)

    def _key(self, item: Any) -> bytes:
        return orjson.dumps([item.get(key) for key in self._keys]) if item.__class__ is dict else b""


def _below(schema: Any) -> RuleValidator | None:
    if not isinstance(schema, dict):
        return None
    return RuleValidator.make(schema, root=bool(schema.get(EMBEDDED)))


def _has_rules(schema: Any) -> bool:
    if not isinstance(schema, dict):
        return False
    inner = (*(schema.get("properties") or {}).values(), schema.get("items"), schema.get("additionalProperties"))
    return bool(schema.get(VALIDATIONS)) or any(map(_has_rules, inner))


@dataclass(frozen=True, slots=True)
class _Parent:
    """The value around, and its old one if they could be matched."""

    value: Any
    old: Any

    def unchanged(self) -> bool:
        return self.old is not ABSENT and bool(self.value == self.old)


class _Run:
    """One validation: what is left of the budget, and what was found."""

    __slots__ = ("budget", "errors", "ratchets", "stopped", "warnings")

    def __init__(self, errors: Errors) -> None:
        self.errors = errors
        self.warnings: list[FieldError] = []
        self.budget = BUDGET
        self.stopped = False
        self.ratchets = True

    def pay(self, cost: int) -> bool:
        """False, for good, when there is not enough left."""
        if cost > self.budget:
            self.stopped = True
        self.budget -= cost
        return not self.stopped


@dataclass(frozen=True, slots=True)
class _Node:
    """The rules of one level on one value."""

    validator: RuleValidator
    run: _Run
    path: str
    value: Any
    old: Any
    parent: _Parent

    def evaluate(self, convert: Conversion | None) -> None:
        if self.run.budget <= 0:
            self._invalid(_OUT_OF_BUDGET)
            self.run.stopped = True
            return
        value = convert(self.value) if convert else self.value
        has_old = self.old is not ABSENT and self.old is not None
        old = (convert(self.old) if convert else self.old) if has_old else None
        for rule, below in zip(self.validator.rules, self.validator.paths, strict=True):
            if rule.uses_old and not has_old and not rule.optional_old:
                continue
            bindings = {"self": value, "oldSelf": old}
            if rule.optional_old:
                bindings["oldSelf"] = Optional(True, old) if has_old else NONE
            self._rule(rule, bindings, below)
            if self.run.stopped:
                return

    def _rule(self, rule: Rule, bindings: dict[str, Any], below: str) -> None:
        if rule.program is None:
            if rule.error:
                self._invalid(f"rule compile error: {rule.error}")
            return
        try:
            holds, cost = rule.program.measure(bindings, limit=PER_CALL_LIMIT)
        except EvaluationError as error:
            self._failed(rule, error)
            return
        if not self.run.pay(cost):
            self._invalid(_OUT_OF_BUDGET)
        elif holds is not True:
            self._violated(rule, bindings, below)

    def _failed(self, rule: Rule, error: EvaluationError) -> None:
        if not self.run.pay(error.cost):
            self._invalid(_OUT_OF_BUDGET)
        elif isinstance(error, CostExceeded):
            why = f"'{error}': no further validation rules will be run due to call cost exceeds limit for rule: {rule.shown}"
            self._invalid(why)
            self.run.stopped = True
        elif str(error).startswith("no such overload"):
            why = "call arguments did not match a supported operator, function or macro signature for rule"
            self._invalid(f"'{error}': {why}: {rule.shown}")
        else:
            self._invalid(f"{error} evaluating rule: {rule.shown}")

    def _violated(self, rule: Rule, bindings: dict[str, Any], below: str) -> None:
        path = f"{self.path}{below}".lstrip(".")
        detail = rule.failed
        if rule.message is not None:
            try:
                detail = self._message(rule, bindings) or detail
            except CostExceeded as error:
                self._add(rule, FieldError(ErrorType.INVALID, path or "<nil>", self.validator.kind, str(error)))
                self.run.stopped = True
                return
        type_ = _REASONS.get(rule.source.get("reason") or "", ErrorType.INVALID)
        found = FieldError(type_, path or "<nil>", self.validator.kind, "" if type_ is ErrorType.DUPLICATE else detail)
        self._add(rule, found)

    def _message(self, rule: Rule, bindings: dict[str, Any]) -> str:
        """What the expression for the message says; empty if it says nothing that can be used."""
        assert rule.message is not None
        text = rule.source.get("messageExpression") or ""
        try:
            found, cost = rule.message.measure(bindings, limit=PER_CALL_LIMIT)
        except CostExceeded as error:
            why = f'no further validation rules will be run due to call cost exceeds limit for messageExpression: "{text}"'
            raise CostExceeded(why) from error
        except EvaluationError as error:
            self.run.pay(min(error.cost, self.run.budget))
            return ""
        if not self.run.pay(cost):
            raise CostExceeded(f"messageExpression evaluation {_OUT_OF_BUDGET.removeprefix('validation ')}")
        message = found.strip() if isinstance(found, str) else ""
        return "" if "\n" in message or len(message.encode()) > MAX_MESSAGE else message

    def _add(self, rule: Rule, error: FieldError) -> None:
        """An error, or a warning where nothing changed that the rule speaks of."""
        unchanged = self.value == self.old if self.old is not ABSENT else self.parent.unchanged()
        if unchanged and self.run.ratchets and not rule.uses_old:
            self.run.warnings.append(error)
        else:
            self.run.errors.append(error)

    def _invalid(self, why: str) -> None:
        self.run.errors.invalid(self.path or "<nil>", self.validator.kind, why)
