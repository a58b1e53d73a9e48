from __future__ import annotations

import copy
from typing import Any

import pytest

from wherry.machinery import jsonpatch
from wherry.machinery.jsonpatch import JsonPatchError, MalformedPatch

DOCUMENT = {"a": {"b": [1, 2, 3]}, "x/y": {"~": 1}}


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({"op": "add", "path": "/c", "value": 1}, {**DOCUMENT, "c": 1}),
        ({"op": "add", "path": "/a/b/1", "value": 9}, {**DOCUMENT, "a": {"b": [1, 9, 2, 3]}}),
        ({"op": "add", "path": "/a/b/-", "value": 9}, {**DOCUMENT, "a": {"b": [1, 2, 3, 9]}}),
        ({"op": "add", "path": "/a/b/3", "value": 9}, {**DOCUMENT, "a": {"b": [1, 2, 3, 9]}}),
        ({"op": "remove", "path": "/a/b/0"}, {**DOCUMENT, "a": {"b": [2, 3]}}),
        ({"op": "remove", "path": "/x~1y/~0"}, {**DOCUMENT, "x/y": {}}),
        ({"op": "replace", "path": "/a/b/-1", "value": 9}, {**DOCUMENT, "a": {"b": [1, 2, 9]}}),
        ({"op": "replace", "path": "/new", "value": 9}, {**DOCUMENT, "new": 9}),
        ({"op": "replace", "path": "", "value": {"z": 1}}, {"z": 1}),
        ({"op": "move", "from": "/a/b/0", "path": "/first"}, {"a": {"b": [2, 3]}, "x/y": {"~": 1}, "first": 1}),
        ({"op": "copy", "from": "/a", "path": "/c"}, {**DOCUMENT, "c": {"b": [1, 2, 3]}}),
        ({"op": "test", "path": "/a/b", "value": [1, 2, 3]}, DOCUMENT),
        ({"op": "test", "path": "/nope", "value": None}, DOCUMENT),
    ],
)
def test_operations(operation: dict[str, Any], expected: Any) -> None:
    before = copy.deepcopy(DOCUMENT)
    assert jsonpatch.apply(before, [operation]) == expected
    assert before == DOCUMENT


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        ({"op": "add", "path": "/n/o", "value": 1}, 'add operation does not apply: doc is missing path: "/n/o": missing value'),
        ({"op": "add", "path": "", "value": 1}, 'add operation does not apply: doc is missing path: "": missing value'),
        (
            {"op": "add", "path": "/a/b/9", "value": 1},
            "error in add for path: '/a/b/9': Unable to access invalid index: 9: invalid index referenced",
        ),
        (
            {"op": "add", "path": "/a/b/x", "value": 1},
            "error in add for path: '/a/b/x': value was not a proper array index: 'x': strconv.Atoi: parsing \"x\": invalid syntax",
        ),
        (
            {"op": "remove", "path": "/q"},
            "error in remove for path: '/q': Unable to remove nonexistent key: q: missing value",
        ),
        ({"op": "replace", "path": "/q/r", "value": 1}, "replace operation does not apply: doc is missing path: /q/r: missing value"),
        ({"op": "test", "path": "/a/b/0", "value": True}, "testing value /a/b/0 failed: test failed"),
        ({"op": "test", "path": "/q/r"}, "test operation does not apply: is missing path: /q/r: missing value"),
        (
            {"op": "move", "from": "/q", "path": "/r"},
            "error in move for path: 'q': Unable to remove nonexistent key: q: missing value",
        ),
        ({"op": "copy", "from": "/q/s", "path": "/r"}, "copy operation does not apply: doc is missing from path: /q/s: missing value"),
        ({"op": "frob", "path": "/a"}, "Unexpected kind: frob"),
        ({"path": "/a"}, "Unexpected kind: unknown"),
        ({"op": "add", "value": 1}, "add operation failed to decode path: missing value"),
    ],
)  # fmt: skip
def test_errors(operation: dict[str, Any], message: str) -> None:
    with pytest.raises(JsonPatchError) as caught:
        jsonpatch.apply(DOCUMENT, [operation])
    assert str(caught.value) == message


def test_a_patch_is_a_list_of_operations() -> None:
    with pytest.raises(MalformedPatch, match="cannot unmarshal object into Go value of type"):
        jsonpatch.check({"op": "add"})
    with pytest.raises(MalformedPatch):
        jsonpatch.check([1])
