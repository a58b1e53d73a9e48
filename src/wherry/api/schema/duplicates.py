"""Keys that a JSON text gives twice; the parser silently keeps the last.

Most bodies need only one comparison: written back compactly, an object without duplicates is as long as its text. Only
when the lengths differ (white space, escapes, or a duplicate) the text is parsed again by a parser that tells.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import orjson


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as the list of its members, so that none is lost."""


def duplicate_fields(raw: bytes, parsed: Any) -> list[str]:
    """`duplicate field "spec.replicas"` for each, in order; `parsed` is what the parser made of `raw`, unchanged."""
    try:
        if len(orjson.dumps(parsed)) == len(raw.rstrip()):
            return []
        text = raw.decode(errors="replace")  # as Go reads what is not UTF-8
        if not _has_duplicates(text):
            return []
        tree = _loaded(text, _Pairs)
        return list(dict.fromkeys(f'duplicate field "{path}"' for path in _paths(tree, "")))
    except (RecursionError, orjson.JSONEncodeError):
        # Nested deeper than anything that can be stored; whoever stores it says so.
        return []


def _loaded(text: str, pairs: Callable[[list[tuple[str, Any]]], object]) -> Any:
    """Without the numbers: nobody asks for them here, and Python refuses those of more than 4,300 digits."""
    return json.loads(text, object_pairs_hook=pairs, parse_int=str, parse_float=str)


def _has_duplicates(text: str) -> bool:
    found = False

    def members(pairs: list[tuple[str, Any]]) -> None:
        nonlocal found
        if len(pairs) > 1 and len({key for key, _ in pairs}) != len(pairs):
            found = True

    _loaded(text, members)
    return found


def _paths(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, _Pairs):
        seen = set()
        for key, item in value:
            here = f"{path}.{key}" if path else key
            if key in seen:
                yield here
            seen.add(key)
            yield from _paths(item, here)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _paths(item, f"{path}[{index}]")
