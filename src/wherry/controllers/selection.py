"""Selectors of workloads as predicates over labels. Pure.

An empty selector matches everything, an absent one nothing: as the API's conventions say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from wherry.api.types import Object
from wherry.machinery import selectors

Labels = Mapping[str, str]
Predicate = Callable[[Labels], bool]


def by_selector(selector: Object | None) -> Predicate:
    """The predicate of a `LabelSelector`. Raises `ValueError` for an unknown operator."""
    return selectors.from_object(selector).matches


def by_labels(wanted: Labels) -> Predicate:
    """All of these labels with these values (a service's or replication controller's selector)."""
    return selectors.from_labels(wanted).matches


def is_empty(selector: Object | None) -> bool:
    """Whether a selector has no requirement at all, which workload controllers refuse to follow."""
    return not selector or not (selector.get("matchLabels") or selector.get("matchExpressions"))
