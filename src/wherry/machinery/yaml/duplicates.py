"""Keys that a mapping has twice, in the words of sigs.k8s.io/yaml's strict mode."""

from __future__ import annotations

import json
from typing import Any

import yaml

_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def duplicate_keys(body: bytes) -> list[str]:
    """`line 4: key "name" already set in map` for each, inner ones first; the text must have been loaded before."""
    found: list[str] = []
    _find(yaml.compose(body, Loader=_SafeLoader), found, set())
    return found


def _find(node: Any, found: list[str], seen: set[int]) -> None:
    if id(node) in seen or isinstance(node, yaml.ScalarNode) or node is None:
        return
    seen.add(id(node))  # aliases are one node in many places
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _find(item, found, seen)
        return
    keys: set[str] = set()
    for key, value in node.value:
        _find(value, found, seen)
        if key.value in keys:
            found.append(f"line {value.start_mark.line + 1}: key {json.dumps(key.value)} already set in map")
        elif isinstance(key, yaml.ScalarNode):
            keys.add(key.value)
