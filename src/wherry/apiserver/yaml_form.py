"""YAML as the API server reads and writes it: what JSON can say, no timestamps, no tags.

Imported only when a client speaks YAML.
"""

from __future__ import annotations

import json
from typing import Any

import yaml
from yaml import YAMLError

_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SafeDumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Loader(_SafeLoader):  # type: ignore[misc]
    """Dates stay strings, as JSON has no dates."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in _SafeLoader.yaml_implicit_resolvers.items()
    }


MAX_DEPTH = 250
MAX_NODES = 500_000
"""What a document may grow to once its aliases are written out."""


def load_yaml(body: bytes) -> Any:
    """The first document.

    Raises `YAMLError`, also where the text is no UTF-8, has keys that JSON cannot have, is nested too deeply, or grows
    beyond measure through aliases.
    """
    try:
        _check_depth(body)
        value = yaml.load(body, Loader=_Loader)
    except (ValueError, RecursionError) as error:
        raise YAMLError(str(error)) from error
    return _Plain().of(value)


def _check_depth(body: bytes) -> None:
    """The parser in C has a stack of its own, which deep nesting overruns: look at the events first, one by one."""
    depth = 0
    for event in yaml.parse(body, Loader=_SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise YAMLError("exceeded max depth")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def duplicate_keys(body: bytes) -> list[str]:
    """`line 4: key "name" already set in map` for each, inner ones first; the text must have been loaded before."""
    found: list[str] = []
    _find_duplicates(yaml.compose(body, Loader=_SafeLoader), found, set())
    return found


def _find_duplicates(node: Any, found: list[str], seen: set[int]) -> None:
    if id(node) in seen or isinstance(node, yaml.ScalarNode) or node is None:
        return
    seen.add(id(node))  # aliases are one node in many places
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _find_duplicates(item, found, seen)
        return
    keys: set[str] = set()
    for key, value in node.value:
        _find_duplicates(value, found, seen)
        if key.value in keys:
            found.append(f"line {value.start_mark.line + 1}: key {json.dumps(key.value)} already set in map")
        elif isinstance(key, yaml.ScalarNode):
            keys.add(key.value)


class _Plain:
    """Turns what the parser made into what JSON can say."""

    def __init__(self) -> None:
        self._nodes = 0

    def of(self, value: Any) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise YAMLError("document contains excessive aliasing")
        if isinstance(value, dict):
            return {_key(key): self.of(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.of(item) for item in value]
        if value is not None and not isinstance(value, str | bool | int | float):
            raise YAMLError(f"a {type(value).__name__} has no form in JSON")
        return value


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, str | int | float):
        return str(key)
    raise YAMLError(f"Unsupported map key of type: {type(key).__name__}")


def dump_yaml(value: Any) -> bytes:
    """Keys sorted, as upstream gives them."""
    text: bytes = yaml.dump(value, Dumper=_SafeDumper, default_flow_style=False, encoding="utf-8", allow_unicode=True)
    return text


__all__ = ["YAMLError", "dump_yaml", "duplicate_keys", "load_yaml"]
