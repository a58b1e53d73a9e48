"""Node selectors."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.scheduler.framework import node_selection
from wherry.scheduler.framework.node_info import NodeInfo
from wherry.testing.scheduling import node


def info() -> NodeInfo:
    made = NodeInfo("n1")
    made.set_node(node("n1", labels={"zone": "a", "size": "8"}))
    return made


def expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"key": key, "operator": operator, **({"values": list(values)} if values else {})}


@pytest.mark.parametrize(
    ("wanted", "matches"),
    [
        (expression("zone", "In", "a", "b"), True),
        (expression("zone", "In", "b"), False),
        (expression("zone", "NotIn", "b"), True),
        (expression("absent", "NotIn", "b"), True),
        (expression("zone", "Exists"), True),
        (expression("absent", "Exists"), False),
        (expression("absent", "DoesNotExist"), True),
        (expression("zone", "DoesNotExist"), False),
        (expression("size", "Gt", "7"), True),
        (expression("size", "Gt", "8"), False),
        (expression("size", "Lt", "9"), True),
        (expression("zone", "Lt", "9"), False),
        (expression("absent", "Gt", "1"), False),
        (expression("zone", "Likes", "a"), False),
    ],
)
def test_an_expression(wanted: dict[str, Any], matches: bool):
    assert node_selection.term({"matchExpressions": [wanted]})(info()) is matches


def test_all_expressions_of_a_term_and_any_term():
    right, wrong = expression("zone", "Exists"), expression("zone", "In", "b")
    assert not node_selection.term({"matchExpressions": [right, wrong]})(info())
    assert node_selection.any_term([{"matchExpressions": [wrong]}, {"matchExpressions": [right]}])(info())


def test_an_empty_term_selects_nothing():
    assert not node_selection.term({})(info())


def test_a_term_by_name():
    assert node_selection.term({"matchFields": [expression("metadata.name", "In", "n1")]})(info())
    assert not node_selection.term({"matchFields": [expression("metadata.name", "In", "n2")]})(info())


def test_names_narrow_only_where_every_term_has_them():
    by_name = {"matchFields": [expression("metadata.name", "In", "n1", "n2")]}
    by_label = {"matchExpressions": [expression("zone", "Exists")]}

    def named(*terms: dict[str, Any]) -> frozenset[str] | None:
        required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": list(terms)}}
        return node_selection.named_nodes({"affinity": {"nodeAffinity": required}})

    assert named(by_name) == {"n1", "n2"}
    assert named(by_name, by_label) is None
    assert node_selection.named_nodes({}) is None
