"""Node selectors, compiled: `nodeSelector`, required and preferred node affinity.

Terms are alternatives; a term's expressions must all hold; an empty term selects nothing.
Source: k8s.io/component-helpers/scheduling/corev1/nodeaffinity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from wherry.scheduler.framework.affinity_terms import PREFERRED, REQUIRED
from wherry.scheduler.framework.node_info import NodeInfo

Test = Callable[[NodeInfo], bool]
LabelTest = Callable[[Mapping[str, str]], bool]


@dataclass(frozen=True, slots=True)
class Preference:
    """A preferred term and what it is worth."""

    weight: int
    test: Test


def required(spec: Mapping[str, Any]) -> Test | None:
    """The test that a node must pass; None where any node will do."""
    tests: list[Test] = []
    if exact := tuple((spec.get("nodeSelector") or {}).items()):
        tests.append(lambda node: all(node.labels.get(key) == value for key, value in exact))
    selector = node_affinity(spec).get(REQUIRED)
    if selector is not None:
        tests.append(any_term(selector.get("nodeSelectorTerms") or ()))
    if len(tests) < 2:
        return tests[0] if tests else None
    first, second = tests
    return lambda node: first(node) and second(node)


def preferred(spec: Mapping[str, Any]) -> tuple[Preference, ...]:
    """Empty terms count for nothing."""
    return tuple(Preference(weight, term(preference)) for weight, preference in preferred_terms(spec))


def preferred_terms(spec: Mapping[str, Any]) -> Iterable[tuple[int, Mapping[str, Any]]]:
    """Weights and terms as they are written."""
    entries = node_affinity(spec).get(PREFERRED) or ()
    return ((entry["weight"], entry["preference"]) for entry in entries if entry.get("weight"))


def named_nodes(spec: Mapping[str, Any]) -> frozenset[str] | None:
    """The only nodes that can match, where every required term names some by `metadata.name`; None where any can."""
    selector = node_affinity(spec).get(REQUIRED)
    if selector is None:
        return None
    found: set[str] = set()
    for each in selector.get("nodeSelectorTerms") or ():
        names: set[str] | None = None
        for field in each.get("matchFields") or ():
            if field.get("key") == "metadata.name" and field.get("operator") == "In":
                values = set(field.get("values") or ())
                names = values if names is None else names & values
        if names is None:
            return None
        found |= names
    return frozenset(found)


def node_affinity(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    return (spec.get("affinity") or {}).get("nodeAffinity") or {}


def any_term(terms: Iterable[Mapping[str, Any]]) -> Test:
    tests = tuple(term(each) for each in terms)
    if len(tests) == 1:
        return tests[0]
    return lambda node: any(test(node) for test in tests)


def term(spec: Mapping[str, Any]) -> Test:
    labels = tuple(label_test(each) for each in spec.get("matchExpressions") or ())
    fields = tuple(label_test(each) for each in spec.get("matchFields") or ())
    if not labels and not fields:
        return lambda node: False
    if not fields:
        return lambda node: all(test(node.labels) for test in labels)

    def test(node: NodeInfo) -> bool:
        names = {"metadata.name": node.name}
        return all(each(node.labels) for each in labels) and all(each(names) for each in fields)

    return test


def label_test(spec: Mapping[str, Any]) -> LabelTest:
    """One expression of a term as a test of labels."""
    key, values = spec.get("key", ""), tuple(spec.get("values") or ())
    make = _OPERATORS.get(spec.get("operator", ""))
    return make(key, values) if make is not None else lambda labels: False


def _compared(sign: int) -> Callable[[str, tuple[str, ...]], LabelTest]:
    def make(key: str, values: tuple[str, ...]) -> LabelTest:
        bound = _integer(values[0]) if len(values) == 1 else None

        def test(labels: Mapping[str, str]) -> bool:
            number = _integer(labels.get(key, ""))
            return number is not None and bound is not None and (number - bound) * sign > 0

        return test

    return make


def _integer(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


_OPERATORS: Mapping[str, Callable[[str, tuple[str, ...]], LabelTest]] = {
    "In": lambda key, values: lambda labels: labels.get(key) in values,
    "NotIn": lambda key, values: lambda labels: labels.get(key) not in values,
    "Exists": lambda key, values: lambda labels: key in labels,
    "DoesNotExist": lambda key, values: lambda labels: key not in labels,
    "Gt": _compared(1),
    "Lt": _compared(-1),
}
