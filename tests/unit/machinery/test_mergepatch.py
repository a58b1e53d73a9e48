from __future__ import annotations

from typing import Any

import pytest

from wherry.machinery import mergepatch


@pytest.mark.parametrize(
    ("document", "patch", "expected"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_examples_of_rfc_7386(document: Any, patch: Any, expected: Any) -> None:
    assert mergepatch.apply(document, patch) == expected


def test_three_way_removes_only_what_was_applied_before() -> None:
    last = {"spec": {"a": 1, "b": {"x": 1}}}
    modified = {"spec": {"c": {"y": 2}}}
    current = {"spec": {"a": 1, "b": {"x": 1, "z": 9}, "other": True}}
    patch = mergepatch.create_three_way(last, modified, current)
    assert patch == {"spec": {"a": None, "b": None, "c": {"y": 2}}}
    assert mergepatch.apply(current, patch) == {"spec": {"c": {"y": 2}, "other": True}}


def test_one_is_not_true() -> None:
    assert mergepatch.create({"a": 1}, {"a": True}) == {"a": True}
