"""`find` and `findAll`. Source: k8s.io/apiserver/pkg/cel/library/regex.go."""

from __future__ import annotations

from wherry.machinery.automaton import Automaton
from wherry.machinery.cel.functions import Library, library
from wherry.machinery.cel.types import INT, STRING, list_of
from wherry.machinery.cel.values import EvaluationError
from wherry.machinery.go_regex import GoRegexError, compile_go


def _compiled(pattern: str) -> Automaton:
    try:
        return compile_go(pattern)
    except GoRegexError as error:
        raise EvaluationError(f"Illegal regex: {error}") from error


def _find(text: str, pattern: str) -> str:
    found = _compiled(pattern).find(text)
    return text[found[0] : found[1]] if found else ""


def _find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    """Matches that do not overlap; an empty one right behind another match does not count, as in Go."""
    compiled, position, last_end = _compiled(pattern), 0, -1
    found: list[str] = []
    while limit < 0 or len(found) < limit:
        match = compiled.find(text, position)
        if match is None:
            break
        start, end = match
        if end > start or start != last_end:
            found.append(text[start:end])
        last_end = end
        position = end if end > start else end + 1
        if position > len(text):
            break
    return found


LIBRARY: Library = library(
    members=[
        ("find", "string_find_string", (STRING, STRING), STRING, _find),
        ("findAll", "string_find_all_string", (STRING, STRING), list_of(STRING), _find_all),
        ("findAll", "string_find_all_string_int", (STRING, STRING, INT), list_of(STRING), _find_all),
    ]
)
