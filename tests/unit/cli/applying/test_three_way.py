"""The patch of apply."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.cli.applying.annotation import annotated, last_applied
from wherry.cli.applying.three_way import between
from wherry.cli.errors import Refused


def _custom(**spec: Any) -> Any:
    return {"apiVersion": "example.com/v1", "kind": "Foo", "metadata": {"name": "x"}, "spec": spec}


def test_unknown_kinds_are_merged_as_json() -> None:
    current = annotated(_custom(a=1, b=2, list=[1]))
    current["spec"]["theirs"] = True
    patch = between(current, _custom(a=1, c=3, list=[2]))
    assert patch.type == "merge"
    assert patch.body["spec"] == {"b": None, "c": 3, "list": [2]}
    assert not between(current, _custom(a=1, b=2, list=[1])).body


def test_kinds_cannot_change() -> None:
    current = annotated(_custom())
    with pytest.raises(Refused, match="was changed: kind"):
        between(current, {**_custom(), "kind": "Bar"})


def test_damaged_annotations_count_as_none() -> None:
    damaged = {"metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{"}}}
    assert last_applied(damaged) is None
