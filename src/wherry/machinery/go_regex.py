"""Regular expressions as Go writes them (RE2), in Python's spelling; `automaton` runs them.

What differs is translated: `$` and `\\z` mean the very end of the text, `[[:alpha:]]` and its kin are classes, `\\d`, `\\w`
and `\\s` are ASCII. What Python cannot express (`\\p{L}`, `\\Q...\\E`) raises `GoRegexError`. Source: https://golang.org/s/re2syntax.
"""

from __future__ import annotations

import re
import warnings
from functools import lru_cache

from wherry.machinery.automaton import Automaton, NotRegular

_CLASSES = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "ascii": r"\x00-\x7f", "blank": r"\t ", "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9", "graph": "!-~", "lower": "a-z", "print": " -~", "punct": r"!-/:-@\[-`{-~", "space": r"\t\n\v\f\r ",
    "upper": "A-Z", "word": "0-9A-Za-z_", "xdigit": "0-9A-Fa-f",
}  # fmt: skip
_TOKEN = re.compile(r"\\(?:x\{[0-9A-Fa-f]+\}|.)|\[:(\^?)([a-z]+):\]|.", re.DOTALL)


class GoRegexError(ValueError):
    """Not a regular expression, or not one that Python can express."""


@lru_cache(maxsize=1024)
def compile_go(pattern: str) -> Automaton:
    """Raises `GoRegexError`."""
    try:
        with warnings.catch_warnings():
            # `[a--z]` is a range for both; Python may make it a difference of sets some day.
            warnings.simplefilter("ignore", FutureWarning)
            return Automaton(_translated(pattern))
    except (re.error, OverflowError, RecursionError, NotRegular) as error:
        raise GoRegexError(f"error parsing regexp: {error}: `{pattern}`") from error


def _translated(pattern: str) -> str:
    parts: list[str] = []
    inside, first = False, False
    for token in _TOKEN.finditer(pattern):
        text = token[0]
        if inside:
            parts.append(_in_class(token))
            inside = text != "]" or first
            first = first and text == "^"
        else:
            parts.append(_outside(text))
            inside = first = text == "["
    return "".join(parts)


def _outside(text: str) -> str:
    if text == "$" or text == r"\z":
        return r"\Z"
    return _escape(text)


def _in_class(token: re.Match[str]) -> str:
    name = token[2]
    if name is None:
        # Python warns of what may become set operations.
        return rf"\{token[0]}" if token[0] in "[&~|" else _escape(token[0])
    if token[1] or name not in _CLASSES:
        raise GoRegexError(f"unsupported character class: `{token[0]}`")
    return _CLASSES[name]


def _escape(text: str) -> str:
    if text.startswith(r"\x{"):
        return re.escape(chr(int(text[3:-1], 16)))
    if text[:2] in (r"\p", r"\P", r"\Q", r"\E", r"\C"):
        raise GoRegexError(f"unsupported escape sequence: `{text}`")
    return text
