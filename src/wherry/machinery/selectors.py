"""Label selectors: parsed from text or from the API's object form, compiled to a fast test.

    Selector                what to keep; `matches(labels)`
    ├── parse("a=b,c in (d,e),!f")      texts, as in a query or on the command line
    ├── from_object({"matchLabels": {}, "matchExpressions": []})
    └── from_labels({"app": "web"})     the plain map of Services and replication controllers

Source: k8s.io/apimachinery/pkg/labels; the grammar and the messages are upstream's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from wherry.machinery.selector_grammar import SelectorError, Term, checked_term, is_integer, parse_terms

Labels = Mapping[str, str]
Test = Callable[[Labels], bool]

_OPERATORS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}
_EQUAL = frozenset(("=", "==", "in"))
_UNEQUAL = frozenset(("!=", "notin"))


def _compile(terms: Sequence[Term]) -> Test:
    exact = tuple((t.key, t.values[0]) for t in terms if t.operator in _EQUAL and len(t.values) == 1)
    others = tuple(_test(t) for t in terms if t.operator not in _EQUAL or len(t.values) != 1)
    if len(exact) == 1 and not others:
        key, value = exact[0]
        return lambda labels: labels.get(key) == value

    def matches(labels: Labels) -> bool:
        for key, value in exact:
            if labels.get(key) != value:
                return False
        return all(test(labels) for test in others)

    return matches


def _test(term: Term) -> Test:
    key, values = term.key, frozenset(term.values)
    if term.operator == "exists":
        return lambda labels: key in labels
    if term.operator == "!":
        return lambda labels: key not in labels
    if term.operator in _EQUAL:
        return lambda labels: labels.get(key) in values
    if term.operator in _UNEQUAL:
        return lambda labels: labels.get(key) not in values
    bound, sign = int(term.values[0]), 1 if term.operator == ">" else -1
    return lambda labels: is_integer(labels.get(key, "")) and (int(labels[key]) - bound) * sign > 0


@dataclass(frozen=True, slots=True)
class Selector:
    """Requirements that all must hold, sorted by key; none at all selects everything."""

    terms: tuple[Term, ...] = ()
    nothing: bool = False
    """Selects no object at all: what a missing selector means."""
    matches: Test = field(init=False, repr=False, compare=False)
    """`matches(labels)`; labels may be empty but not None."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "matches", (lambda _labels: False) if self.nothing else _compile(self.terms))

    @property
    def everything(self) -> bool:
        return not self.terms and not self.nothing

    def matches_object(self, obj: Mapping[str, Any]) -> bool:
        """Whether it selects an API object."""
        return self.matches(obj["metadata"].get("labels") or {})

    def exact(self, key: str) -> str | None:
        """The one value that the label must have; None when it may have several."""
        for term in self.terms:
            if term.key == key and term.operator in _EQUAL and len(term.values) == 1:
                return term.values[0]
        return None

    def __str__(self) -> str:
        return ",".join(map(str, self.terms))


EVERYTHING = Selector()
NOTHING = Selector(nothing=True)


@lru_cache(maxsize=1024)
def parse(text: str) -> Selector:
    """A selector from its text; empty selects everything. Raises `SelectorError` in upstream's words."""
    return _selector(parse_terms(text)) if text else EVERYTHING


def from_labels(labels: Labels | None) -> Selector:
    """All of these labels with these values; an empty map selects everything, as in upstream's `SelectorFromSet`."""
    return _selector([Term(key, "=", (value,)) for key, value in (labels or {}).items()])


def from_object(selector: Mapping[str, Any] | None) -> Selector:
    """From a `metav1.LabelSelector`: None selects nothing, an empty one everything. Raises `SelectorError`."""
    if selector is None:
        return NOTHING
    terms = [checked_term(key, "=", (value,)) for key, value in (selector.get("matchLabels") or {}).items()]
    for expression in selector.get("matchExpressions") or ():
        operator = _OPERATORS.get(expression.get("operator", ""))
        if operator is None:
            raise SelectorError(f'"{expression.get("operator", "")}" is not a valid label selector operator')
        terms.append(checked_term(expression.get("key", ""), operator, tuple(expression.get("values") or ())))
    return _selector(terms)


def to_text(selector: Mapping[str, Any] | None) -> str:
    """The text form of a `metav1.LabelSelector`, as scale subresources show it."""
    return str(from_object(selector))


def _selector(terms: Sequence[Term]) -> Selector:
    return Selector(tuple(sorted(terms, key=lambda term: term.key)))
