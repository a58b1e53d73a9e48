"""Any object: every field, its name made readable."""

from __future__ import annotations

import re
from typing import Any

from wherry.api.types import Object
from wherry.cli.describing.cluster import Cluster
from wherry.cli.describing.events import events
from wherry.cli.describing.metadata import head
from wherry.cli.describing.writer import Writer
from wherry.machinery.jsonpath import go_float

_SKIPPED = frozenset(
    (".metadata.managedFields", ".metadata.name", ".metadata.namespace", ".metadata.labels", ".metadata.annotations")
)
_ACRONYMS = frozenset(("API", "URL", "UID", "OSB", "GUID"))
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[^A-Za-z]+")
_PLAIN_NAME = re.compile(r"[^\W\d_-]*(?:-[^\W\d_-]*)*")


async def describe(out: Writer, obj: Object, cluster: Cluster) -> None:
    head(out, obj)
    _content(out, obj, 0, "")
    events(out, await cluster.events_of(obj), cluster.now)


def _content(out: Writer, content: Object, level: int, path: str) -> None:
    for field, value in sorted(content.items()):
        here = f"{path}.{field}"
        if here in _SKIPPED:
            continue
        if isinstance(value, dict):
            out.line(f"{label_of(field)}:", level)
            _content(out, value, level + 1, here)
        elif isinstance(value, list):
            out.line(f"{label_of(field)}:", level)
            for child in value:
                if isinstance(child, dict):
                    _content(out, child, level + 1, here)
                else:
                    out.line(_text(child), level + 1)
        else:
            out.field(label_of(field), _text(value), level)


def label_of(field: str) -> str:
    """`nodeName` as `Node Name`; names with anything but letters and dashes stay."""
    if not _PLAIN_NAME.fullmatch(field):
        return field
    words = _WORDS.findall(field)
    return " ".join(word.upper() if word.upper() in _ACRONYMS else word[:1].upper() + word[1:] for word in words)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return go_float(value)
    return "<nil>" if value is None else str(value)
