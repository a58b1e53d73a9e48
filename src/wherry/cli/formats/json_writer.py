"""JSON as Go writes it: sorted keys, four blanks of indent, `<`, `>` and `&` escaped."""

from __future__ import annotations

import re
from typing import Any

import orjson

_INDENT = re.compile(r"(?m)^( +)")
_ESCAPED = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_ESCAPABLE = re.compile("[<>&\u2028\u2029]")


def dump(value: Any) -> str:
    """A document for people, ended by a newline."""
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode()
    return _escaped(_INDENT.sub(r"\1\1", text)) + "\n"


def compact(value: Any) -> str:
    """On one line, ended by a newline: what kubectl keeps in the last-applied annotation."""
    return _escaped(orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()) + "\n"


def _escaped(text: str) -> str:
    return _ESCAPABLE.sub(lambda match: _ESCAPED[match[0]], text)
