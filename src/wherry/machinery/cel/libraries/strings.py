"""String functions beyond the language's own. Source: cel-go `ext/strings.go`, version 2 as Kubernetes has it."""

from __future__ import annotations

from typing import Any

from wherry.machinery.cel.functions import Library, library
from wherry.machinery.cel.libraries.formatting import format_text
from wherry.machinery.cel.types import DYN, INT, STRING, list_of
from wherry.machinery.cel.values import EvaluationError, bounded

_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_UPPER = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}
_SPACE = " \t\n\v\f\r\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_ESCAPES = {
    "\a": r"\a",
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    "\v": r"\v",
    "\\": r"\\",
    '"': r"\"",
}


def _char_at(text: str, index: int) -> str:
    if index == len(text):
        return ""
    if not 0 <= index < len(text):
        raise EvaluationError(f"index out of range: {index}")
    return text[index]


def _index_of(text: str, part: str, start: int = 0) -> int:
    if not part:
        return start
    if not 0 <= start <= len(text):
        raise EvaluationError(f"index out of range: {start}")
    return text.find(part, start)


def _last_index_of(text: str, part: str, start: int | None = None) -> int:
    if start is None:
        return len(text) if not part else text.rfind(part)
    if not part:
        return start
    if not 0 <= start <= len(text):
        raise EvaluationError(f"index out of range: {start}")
    return text.rfind(part, 0, start + len(part))


def _replace(text: str, old: str, new: str, limit: int = -1) -> str:
    times = text.count(old) if limit < 0 else min(limit, text.count(old))
    bounded(len(text) + times * (len(new) - len(old)))
    return text.replace(old, new, limit)


def _split(text: str, separator: str, limit: int = -1) -> list[str]:
    if limit == 0:
        return []
    if not separator:
        chars = list(text)
        return chars if limit < 0 or len(chars) <= limit else [*chars[: limit - 1], text[limit - 1 :]]
    return text.split(separator, limit - 1 if limit > 0 else -1)


def _substring(text: str, start: int, end: int | None = None) -> str:
    last = len(text) if end is None else end
    if not 0 <= start <= len(text):
        raise EvaluationError(f"index out of range: {start}")
    if not 0 <= last <= len(text):
        raise EvaluationError(f"index out of range: {last}")
    if start > last:
        raise EvaluationError(f"invalid substring range. start: {start}, end: {last}")
    return text[start:last]


def _quote(text: str) -> str:
    return '"' + "".join(_ESCAPES.get(char, char) for char in text) + '"'


def _join(items: list[Any], separator: str = "") -> str:
    bounded(sum(map(len, items)) + len(separator) * len(items))
    return separator.join(items)


_TEXTS = list_of(STRING)
LIBRARY: Library = library(
    members=[
        ("charAt", "string_char_at_int", (STRING, INT), STRING, _char_at),
        ("indexOf", "string_index_of_string", (STRING, STRING), INT, _index_of),
        ("indexOf", "string_index_of_string_int", (STRING, STRING, INT), INT, _index_of),
        ("lastIndexOf", "string_last_index_of_string", (STRING, STRING), INT, _last_index_of),
        ("lastIndexOf", "string_last_index_of_string_int", (STRING, STRING, INT), INT, _last_index_of),
        ("lowerAscii", "string_lower_ascii", (STRING,), STRING, lambda text: text.translate(_LOWER)),
        ("upperAscii", "string_upper_ascii", (STRING,), STRING, lambda text: text.translate(_UPPER)),
        ("replace", "string_replace_string_string", (STRING, STRING, STRING), STRING, _replace),
        ("replace", "string_replace_string_string_int", (STRING, STRING, STRING, INT), STRING, _replace),
        ("split", "string_split_string", (STRING, STRING), _TEXTS, _split),
        ("split", "string_split_string_int", (STRING, STRING, INT), _TEXTS, _split),
        ("substring", "string_substring_int", (STRING, INT), STRING, _substring),
        ("substring", "string_substring_int_int", (STRING, INT, INT), STRING, _substring),
        ("trim", "string_trim", (STRING,), STRING, lambda text: text.strip(_SPACE)),
        ("join", "list_join", (_TEXTS,), STRING, _join),
        ("join", "list_join_string", (_TEXTS, STRING), STRING, _join),
        ("format", "string_format", (STRING, list_of(DYN)), STRING, format_text),
    ],
    globals_=[("strings.quote", "strings_quote", (STRING,), STRING, _quote)],
)
