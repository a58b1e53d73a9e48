"""What a document may grow to: a few bytes of YAML can nest deeply, or unfold to gigabytes through aliases."""

from __future__ import annotations

from typing import Any

import yaml

MAX_DEPTH = 250
MAX_NODES = 500_000
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class TooLarge(yaml.YAMLError):
    """The message says what is too large."""


def has_aliases(data: bytes) -> bool:
    """Go through the text without building anything. Raises `TooLarge` where it is nested too deeply.

    The parser in C has a stack of its own, which deep nesting overruns: hence the events first, one by one.
    """
    depth, aliases = 0, False
    for event in yaml.parse(data, Loader=_SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise TooLarge("exceeded max depth")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            aliases = True
    return aliases


class Unfolding:
    """Copies a value so that nothing in it is shared. Raises `TooLarge` beyond `MAX_NODES` in all."""

    def __init__(self) -> None:
        self._nodes = 0

    def of(self, value: Any) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise TooLarge("document contains excessive aliasing")
        if isinstance(value, dict):
            return {key: self.of(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.of(item) for item in value]
        return value
