"""Label selectors of workloads (`metav1.LabelSelector`) as predicates over labels. Pure.

An empty selector matches everything, an absent one nothing: as the API's conventions say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from wherry.api.types import Object

Labels = Mapping[str, str]
Predicate = Callable[[Labels], bool]


def by_selector(selector: Object | None) -> Predicate:
    """The predicate of a `LabelSelector`. Raises `ValueError` for an unknown operator."""
    if selector is None:
        return lambda labels: False
    parts = [by_labels(selector.get("matchLabels") or {})]
    parts += [_requirement(expression) for expression in selector.get("matchExpressions") or ()]
    if len(parts) == 1:
        return parts[0]
    return lambda labels: all(part(labels) for part in parts)


def by_labels(wanted: Labels) -> Predicate:
    """All of these labels with these values (a service's or replication controller's selector)."""
    pairs = tuple(wanted.items())
    return lambda labels: all(labels.get(key) == value for key, value in pairs)


def is_empty(selector: Object | None) -> bool:
    """Whether a selector has no requirement at all, which workload controllers refuse to follow."""
    return not selector or not (selector.get("matchLabels") or selector.get("matchExpressions"))


def _requirement(expression: Object) -> Predicate:
    key, values = expression["key"], frozenset(expression.get("values") or ())
    match expression["operator"]:
        case "In":
            return lambda labels: labels.get(key) in values
        case "NotIn":
            return lambda labels: labels.get(key) not in values
        case "Exists":
            return lambda labels: key in labels
        case "DoesNotExist":
            return lambda labels: key not in labels
        case unknown:
            raise ValueError(f'"{unknown}" is not a valid label selector operator')
