"""Lists as a whole, and sets. Source: k8s.io/apiserver/pkg/cel/library/lists.go; cel-go `ext/sets.go`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wherry.machinery.cel.functions import Library, Row, library
from wherry.machinery.cel.libraries.arithmetic import checked_duration, checked_int, checked_uint
from wherry.machinery.cel.types import BOOL, BYTES, DOUBLE, DURATION, INT, STRING, TIMESTAMP, UINT, A, list_of
from wherry.machinery.cel.values import Duration, EvaluationError, Uint, contains, equals

_COMPARABLE = (("int", INT), ("uint", UINT), ("double", DOUBLE), ("bool", BOOL), ("duration", DURATION),
               ("timestamp", TIMESTAMP), ("string", STRING), ("bytes", BYTES))  # fmt: skip


def _is_sorted(items: list[Any]) -> bool:
    return all(items[at] <= items[at + 1] for at in range(len(items) - 1))


def _extreme(pick: Callable[[list[Any]], Any], name: str) -> Callable[[list[Any]], Any]:
    def run(items: list[Any]) -> Any:
        if not items:
            raise EvaluationError(f"{name} called on empty list")
        return pick(items)

    return run


def _index_of(items: list[Any], wanted: Any) -> int:
    return next((place for place, item in enumerate(items) if equals(item, wanted)), -1)


def _last_index_of(items: list[Any], wanted: Any) -> int:
    return next((place for place in reversed(range(len(items))) if equals(items[place], wanted)), -1)


def _sum_durations(items: list[Duration]) -> Duration:
    return checked_duration(sum(item.nanos for item in items))


def _sum_uints(items: list[Uint]) -> Uint:
    return checked_uint(sum(map(int, items)))


_SUMS: tuple[Any, ...] = (
    ("int", INT, lambda items: checked_int(sum(items))),
    ("uint", UINT, _sum_uints),
    ("double", DOUBLE, lambda items: float(sum(items))),
    ("duration", DURATION, _sum_durations),
)


def _subset(items: list[Any], parts: list[Any]) -> bool:
    return all(contains(items, part) for part in parts)


def _intersects(items: list[Any], others: list[Any]) -> bool:
    return any(contains(items, other) for other in others)


def _rows() -> list[Row]:
    rows: list[Row] = []
    for kind, type_ in _COMPARABLE:
        items = list_of(type_)
        rows.append(("isSorted", f"list_{kind}_is_sorted_bool", (items,), BOOL, _is_sorted))
        rows.append(("min", f"list_{kind}_min_{kind}", (items,), type_, _extreme(min, "min")))
        rows.append(("max", f"list_{kind}_max_{kind}", (items,), type_, _extreme(max, "max")))
    rows += [("sum", f"list_{kind}_sum_{kind}", (list_of(type_),), type_, call) for kind, type_, call in _SUMS]
    rows.append(("indexOf", "list_a_index_of_int", (list_of(A), A), INT, _index_of))
    rows.append(("lastIndexOf", "list_a_last_index_of_int", (list_of(A), A), INT, _last_index_of))
    return rows


_LIST = list_of(A)
LIBRARY: Library = library(
    members=_rows(),
    globals_=[
        ("sets.contains", "list_sets_contains_list", (_LIST, _LIST), BOOL, _subset),
        ("sets.equivalent", "list_sets_equivalent_list", (_LIST, _LIST), BOOL, lambda a, b: _subset(a, b) and _subset(b, a)),
        ("sets.intersects", "list_sets_intersects_list", (_LIST, _LIST), BOOL, _intersects),
    ],
)  # fmt: skip
