"""The variables of a policy: worked out when an expression first asks, once, and charged then.

Source: k8s.io/apiserver/pkg/admission/plugin/cel/composition.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wherry.machinery.cel.values import EvaluationError
from wherry.policy.admission.conditions import Budget, Expression, Failed


class Variables(Mapping[str, Any]):
    """What `variables` is while one policy looks at one write."""

    def __init__(self, expressions: Mapping[str, Expression], bindings: Mapping[str, Any], budget: Budget) -> None:
        self._expressions = expressions
        self._bindings = bindings
        self._budget = budget
        self._known: dict[str, Any] = {}
        self._failed: dict[str, str] = {}

    def __getitem__(self, name: str) -> Any:
        if name in self._failed:
            raise EvaluationError(self._failed[name])
        if name not in self._known:
            self._known[name] = self._worked_out(name)
        return self._known[name]

    def _worked_out(self, name: str) -> Any:
        expression = self._expressions[name]
        if expression.program is None:
            raise self._fails(name, f'composited variable "{name}" fails to compile: {expression.error}')
        try:
            return expression.value(self._bindings, self._budget)
        except Failed as error:
            cause = error.__cause__ or error
            raise self._fails(name, f'composited variable "{name}" fails to evaluate: {cause}') from error

    def _fails(self, name: str, why: str) -> EvaluationError:
        self._failed[name] = why
        return EvaluationError(why)

    def __iter__(self) -> Iterator[str]:
        return iter(self._expressions)

    def __len__(self) -> int:
        return len(self._expressions)

    def __contains__(self, name: object) -> bool:
        return name in self._expressions
