"""The style of one text in YAML: plain, single quoted, double quoted, or a literal block.

Source: libyaml's emitter (yaml_emitter_analyze_scalar), whose rules Go's yaml.v2 follows.
"""

from __future__ import annotations

import re
from functools import lru_cache

from wherry.machinery.yaml.words import is_text

_SIMPLE = re.compile(r"[A-Za-z/][A-Za-z0-9_./()=+-]*")
"""Text that needs no closer look, unless it is a word with a meaning."""
_SPECIAL = re.compile("[^\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010fffe]")
_BREAK = re.compile("[\n\x85\u2028\u2029]")
_OTHER_BREAK = re.compile("[\x85\u2028\u2029]")
_INDICATOR = re.compile(
    r"---|\.\.\.|[#,\[\]{}&*!|>'\"%@`]|[?:-](?=[\0 \t\r\n\x85\u2028\u2029]|\Z)",
)
_INNER_INDICATOR = re.compile(r":(?=[\0 \t\r\n\x85\u2028\u2029]|\Z)|(?<=[\0 \t\r\n\x85\u2028\u2029])#")
_ESCAPES = {
    "\0": "\\0", "\a": "\\a", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\v": "\\v", "\f": "\\f", "\r": "\\r",
    "\x1b": "\\e", '"': '\\"', "\\": "\\\\", "\x85": "\\N", "\xa0": "\\_", "\u2028": "\\L", "\u2029": "\\P",
}  # fmt: skip
_MUST_ESCAPE = re.compile(
    r"[^\x20-\x21\x23-\x5b\x5d-\x7e\xa1-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010fffe]"
)


def text(value: str, indent: str) -> str:
    """A text as a value; the lines of a block are led by `indent`."""
    if "\n" in value and _block_allowed(value):
        return _literal(value, indent)
    return scalar(value)


@lru_cache(maxsize=4096)
def scalar(value: str) -> str:
    """A text on one line, as a key or a value."""
    if _SIMPLE.fullmatch(value) and is_text(value):
        return value
    if not value:
        return '""'
    if not is_text(value) or _SPECIAL.search(value) or _BREAK.search(value):
        return _double(value)
    if value[0] == " " or value[-1] == " " or _INDICATOR.match(value) or _INNER_INDICATOR.search(value, 1):
        return _single(value)
    return value


def _block_allowed(value: str) -> bool:
    return not (value.endswith(" ") or _SPECIAL.search(value) or " \n" in value or _OTHER_BREAK.search(value))


def _single(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _double(value: str) -> str:
    return '"' + _MUST_ESCAPE.sub(_escape, value) + '"'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if (short := _ESCAPES.get(character)) is not None:
        return short
    code = ord(character)
    return f"\\x{code:02X}" if code <= 0xFF else f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def _literal(value: str, indent: str) -> str:
    hint = "2" if value[0] in " \n" else ""
    if not value.endswith("\n"):
        chomping = "-"
    elif value == "\n" or value.endswith("\n\n"):
        chomping = "+"
    else:
        chomping = ""
    body = value.removesuffix("\n").split("\n")
    return f"|{hint}{chomping}\n" + "\n".join(indent + line if line else "" for line in body)
