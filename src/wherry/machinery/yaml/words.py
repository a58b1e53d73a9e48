"""What a plain word of YAML means to Kubernetes: YAML 1.1 as Go's yaml.v2 reads it, which differs from PyYAML.

`0o17` is a number, `1e3` too, `1:30` and `2026-01-01` are text, `=` is text.
"""

from __future__ import annotations

import re
from typing import Any

_TRUE = ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON")
_FALSE = ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF")
_NULL = ("", "~", "null", "Null", "NULL")
WORDS: dict[str, Any] = {
    **dict.fromkeys(_TRUE, True),
    **dict.fromkeys(_FALSE, False),
    **dict.fromkeys(_NULL, None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
_INTEGER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_DATE = re.compile(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
    r"(?:(?:[Tt][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]+)?(?:Z|[-+][0-9]{2}:[0-9]{2}))"
    r"|(?: [0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]+)?))?"
)
_FIRST_OF_NUMBER = frozenset("0123456789+-.")


def meaning(word: str) -> Any:
    """The value of a plain word: None, a bool, a number, or the word itself."""
    if word in WORDS:
        return WORDS[word]
    if word[0] not in _FIRST_OF_NUMBER:
        return word
    digits = word.replace("_", "")
    if _INTEGER.fullmatch(digits):
        return _integer(digits)
    if _FLOAT.fullmatch(digits):
        return float(digits)
    return word


def is_text(word: str) -> bool:
    """Whether a string may be written as a plain word without becoming something else."""
    if word in WORDS or word == "<<":
        return False
    if word[0] not in _FIRST_OF_NUMBER:
        return True
    return isinstance(meaning(word), str) and not _BASE_60.fullmatch(word) and not _DATE.fullmatch(word)


def _integer(digits: str) -> int:
    body = digits.lstrip("+-").lower()
    base = {"0x": 16, "0b": 2, "0o": 8}.get(body[:2], 8 if body.startswith("0") and len(body) > 1 else 10)
    value = int(body, base)
    return -value if digits.startswith("-") else value
