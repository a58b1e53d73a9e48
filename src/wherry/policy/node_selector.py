"""Node selectors on plain labels: required node affinity of pods and volumes.

The scheduler compiles its selectors once per pod (`scheduler/framework/node_selection.py`); this is for everybody else.
Source: k8s.io/component-helpers/scheduling/corev1/nodeaffinity.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wherry.api.types import Object

Labels = Mapping[str, str]


def selects(terms: Iterable[Object], labels: Labels, name: str = "") -> bool:
    """A node selector: terms are alternatives, a term without requirements selects nothing."""
    return any(_term(term, labels, {"metadata.name": name}) for term in terms)


def _term(term: Object, labels: Labels, fields: Labels) -> bool:
    expressions, on_fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    if not expressions and not on_fields:
        return False
    return all(_holds(each, labels) for each in expressions) and all(_holds(each, fields) for each in on_fields)


def _holds(requirement: Object, values: Labels) -> bool:
    wanted = requirement.get("values") or ()
    value = values.get(requirement["key"])
    match requirement["operator"]:
        case "In":
            return value in wanted
        case "NotIn":
            return value not in wanted
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt" as operator:
            return _compares(value, wanted, operator)
    return False


def _compares(value: str | None, wanted: Iterable[str], operator: str) -> bool:
    try:
        number, bound = int(value or ""), int(next(iter(wanted)))
    except (ValueError, StopIteration):
        return False
    return number > bound if operator == "Gt" else number < bound
