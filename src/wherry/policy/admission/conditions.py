"""Conditions of webhooks and policies on the request (`matchConditions`): all must hold.

Source: k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions, KEP-3716.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from wherry.api.types import Object
from wherry.machinery.cel.environment import PER_CALL_LIMIT, Environment, Program
from wherry.machinery.cel.source import CompileError
from wherry.machinery.cel.types import BOOL, Type
from wherry.machinery.cel.values import EvaluationError

BUDGET: Final = 10_000_000
"""What all validations of one policy with one parameter may cost."""
CONDITIONS_BUDGET: Final = 2_500_000
OUT_OF_BUDGET: Final = "validation failed due to running out of cost budget, no further validation rules will be run"


class OutOfBudget(Exception):
    """Too much was spent already; the message is upstream's."""

    def __init__(self) -> None:
        super().__init__(OUT_OF_BUDGET)


class Failed(Exception):
    """An expression has no value; the message is upstream's."""


class Budget:
    """What is left to spend."""

    __slots__ = ("left",)

    def __init__(self, left: int = BUDGET) -> None:
        self.left = left

    def spend(self, cost: int) -> None:
        """Raises `OutOfBudget`."""
        self.left -= cost
        if self.left < 0:
            raise OutOfBudget


@dataclass(frozen=True, slots=True)
class Expression:
    """One expression: compiled, or why that failed. `text` is as the author wrote it."""

    text: str
    program: Program | None
    error: str = ""

    def value(self, bindings: Mapping[str, Any], budget: Budget) -> Any:
        """Raises `Failed`, `OutOfBudget`."""
        if self.program is None:
            raise Failed(f"compilation error: {self.error}")
        try:
            value, cost = self.program.measure(bindings, limit=PER_CALL_LIMIT)
        except EvaluationError as error:
            budget.spend(error.cost)
            raise Failed(f"expression '{self.text}' resulted in error: {error}") from error
        budget.spend(cost)
        return value


def compiled(environment: Environment, text: str, result: Type | tuple[Type, ...] | None = None) -> Expression:
    """Never fails: what cannot be compiled fails when it is evaluated."""
    try:
        return Expression(text, environment.compile(text.strip(), result=result))
    except CompileError as error:
        return Expression(text, None, f"compilation failed: {error}")


Conditions = Sequence[Expression]


def conditions_of(environment: Environment, conditions: Sequence[Object] | None) -> tuple[Expression, ...]:
    return tuple(compiled(environment, each.get("expression") or "", BOOL) for each in conditions or ())


def hold(conditions: Conditions, bindings: Mapping[str, Any], *, ignore_failures: bool) -> bool:
    """Whether all hold. Raises `Failed` where some fail, none is false, and failures count."""
    errors: list[str] = []
    budget = Budget(CONDITIONS_BUDGET)
    for condition in conditions:
        try:
            if condition.value(bindings, budget) is False:
                return False
        except Failed as error:
            errors.append(str(error))
        except OutOfBudget as error:
            errors = [str(error)]
            break
    if not errors:
        return True
    if ignore_failures:
        return False
    raise Failed(errors[0] if len(errors) == 1 else f"[{', '.join(errors)}]")
