"""Errors in expressions, with the place in the text, as cel-go prints them.

ERROR: <input>:1:5: undefined field 'x'
 | self.x
 | ....^
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Issue:
    """One error. `pos` is an offset in the text; -1 where the error has no place."""

    pos: int
    message: str


class CompileError(Exception):
    """The expression cannot be used. `str()` gives all errors as upstream prints them; `issues` the parts."""

    def __init__(self, text: str, issues: Iterable[Issue]) -> None:
        self.issues = tuple(sorted(issues, key=lambda issue: issue.pos))
        super().__init__("\n".join(_shown(text, issue) for issue in self.issues))


def _shown(text: str, issue: Issue) -> str:
    if issue.pos < 0:
        return f"ERROR: <input>:-1:0: {issue.message}"
    before = text[: issue.pos]
    line, start = before.count("\n") + 1, before.rfind("\n") + 1
    column = issue.pos - start
    end = text.find("\n", start)
    snippet = text[start : end if end >= 0 else len(text)].replace("\t", " ")
    # Wide characters get a wide dot, so that the mark stands below its character.
    dots = "".join("．" if unicodedata.east_asian_width(char) in "WF" else "." for char in snippet[:column])
    mark = "＾" if column < len(snippet) and unicodedata.east_asian_width(snippet[column]) in "WF" else "^"
    return f"ERROR: <input>:{line}:{column + 1}: {issue.message}\n | {snippet}\n | {dots}{mark}"
