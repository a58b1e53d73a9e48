"""Labels, names, taints and cordons, over all nodes at once: each distinct value is tested once, by the plain test."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from wherry.scheduler.framework.affinity_terms import REQUIRED
from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.node_selection import label_test, node_affinity
from wherry.scheduler.framework.tolerations import Toleration, untolerated
from wherry.scheduler.vectors.table import Mask, NodeTable, ValueColumn

_Spec = Mapping[str, Any]


def selected(spec: _Spec, table: NodeTable) -> Mask | None:
    """Nodes that a pod's node selector and required node affinity allow; None: all."""
    found: Mask | None = None
    for key, value in (spec.get("nodeSelector") or {}).items():
        found = _and(found, table.label(key).test(_equals(value), table.size))
    required = node_affinity(spec).get(REQUIRED)
    return found if required is None else _and(found, any_term(required.get("nodeSelectorTerms") or (), table))


def any_term(terms: Sequence[_Spec], table: NodeTable) -> Mask:
    found = np.zeros(table.size, np.bool_)
    for each in terms:
        found |= term(each, table)
    return found


def term(spec: _Spec, table: NodeTable) -> Mask:
    """Nodes for which all expressions hold; none where there are no expressions."""
    labels, fields = spec.get("matchExpressions") or (), spec.get("matchFields") or ()
    found: Mask | None = None
    for each in labels:
        found = _and(found, _expression(each, table.label(each.get("key", "")), table))
    for each in fields:
        found = _and(found, _expression(each, _names(each, table), table))
    return np.zeros(table.size, np.bool_) if found is None else found


def _expression(spec: _Spec, column: ValueColumn, table: NodeTable) -> Mask:
    key, test = spec.get("key", ""), label_test(spec)
    return column.test(lambda value: test({} if value is None else {key: str(value)}), table.size)


def _names(spec: _Spec, table: NodeTable) -> ValueColumn:
    """The only field that there is; any other one has no value."""
    if spec.get("key") == "metadata.name":
        return table.value("name", lambda info: info.name)
    return table.value("nothing", lambda info: None)


def _equals(wanted: str) -> Callable[[Hashable | None], bool]:
    return lambda value: value == wanted


def _and(first: Mask | None, second: Mask) -> Mask:
    return second if first is None else first & second


def tolerated(tolerations: Sequence[Toleration], table: NodeTable) -> Mask:
    """Nodes without hard taints that the tolerations do not cover."""

    def test(value: Hashable | None) -> bool:
        return value is None or untolerated(orjson.loads(str(value)), tolerations) is None

    return _hard_taints(table).test(test, table.size)


def soft_taints(count: Callable[[Sequence[Mapping[str, Any]]], int], table: NodeTable) -> np.ndarray[Any, Any]:
    """Per node, what `count` says of its soft taints."""
    column = table.value("soft taints", lambda info: _text(info.soft_taints))
    counts = np.array([*(count(orjson.loads(str(value))) for value in column.values), 0], np.int64)
    return counts[column.array[: table.size]]


def _hard_taints(table: NodeTable) -> ValueColumn:
    return table.value("hard taints", lambda info: _text(info.hard_taints))


def _text(taints: Sequence[Mapping[str, Any]]) -> str | None:
    """Taints as something that can be compared; None where there are none."""
    return orjson.dumps(taints, option=orjson.OPT_SORT_KEYS).decode() if taints else None


def cordoned(table: NodeTable) -> Mask:
    return table.number("cordoned", _is_cordoned) > 0


def _is_cordoned(info: NodeInfo) -> int:
    return int(info.unschedulable)
