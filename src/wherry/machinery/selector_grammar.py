"""The text form of label selectors: tokens and grammar.

    selector    = [ requirement { "," requirement } ]
    requirement = [ "!" ] KEY | KEY ("=" | "==" | "!=" | ">" | "<") VALUE | KEY ("in" | "notin") "(" VALUES ")"

Source: k8s.io/apimachinery/pkg/labels. Texts of errors are upstream's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from wherry.machinery import names
from wherry.machinery.integers import IntegerError, parse_int

_TOKEN = re.compile(r"[ \t\r\n]*(?:(==|!=|[=!(),<>])|([^=!(),<> \t\r\n]+)|$)")
_BINARY = ("in", "notin", "=", "==", "!=", ">", "<")
_BINARY_SHOWN = "in, notin, =, ==, !=, gt, lt"
_SYMBOLS = frozenset(("==", "!=", *"=!(),<>"))
_END = ""


class SelectorError(ValueError):
    """The text or object is no selector; the message is upstream's."""


@dataclass(frozen=True, slots=True)
class Term:
    """One requirement: `operator` is one of = == != in notin exists ! < >; values are sorted where there are several."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.operator == "exists":
            return self.key
        if self.operator == "!":
            return f"!{self.key}"
        joined = ",".join(sorted(self.values))
        return (
            f"{self.key} {self.operator} ({joined})"
            if self.operator in ("in", "notin")
            else f"{self.key}{self.operator}{joined}"
        )


def checked_term(key: str, operator: str, values: tuple[str, ...]) -> Term:
    """A term after upstream's checks of key, number of values and each value. Raises `SelectorError`."""
    complaints = [f'key: Invalid value: "{key}": {"; ".join(wrong)}'] if (wrong := names.label_key(key)) else []
    if operator in ("in", "notin") and not values:
        complaints.append("values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty")
    if operator in ("exists", "!") and values:
        complaints.append(
            f"values: Invalid value: {_quoted(values)}: values set must be empty for exists and does not exist"
        )
    for index, value in enumerate(values):
        if operator in ("<", ">") and not is_integer(value):
            complaints.append(
                f"values[{index}]: Invalid value: \"{value}\": for 'Gt', 'Lt' operators, the value must be an integer"
            )
    for index, value in enumerate(values):
        if wrong := names.label_value(value):
            complaints.append(f'values[{index}][{key}]: Invalid value: "{value}": {"; ".join(wrong)}')
    if complaints:
        raise SelectorError(complaints[0] if len(complaints) == 1 else f"[{', '.join(complaints)}]")
    return Term(key, operator, values)


def parse_terms(text: str) -> list[Term]:
    """The requirements in a text, in its order. Raises `SelectorError`."""
    return _Parser(text).selector()


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = [next(filter(None, match.groups()), _END) for match in _TOKEN.finditer(text)]
        if not self._tokens or self._tokens[-1] != _END:
            self._tokens.append(_END)
        self._at = 0

    def selector(self) -> list[Term]:
        terms: list[Term] = []
        while (token := self._peek()) != _END:
            if token in _SYMBOLS and token != "!":
                raise SelectorError(f"found '{token}', expected: !, identifier, or 'end of string'")
            try:
                terms.append(self._requirement())
            except SelectorError as wrong:
                raise SelectorError(f"unable to parse requirement: {wrong}") from None
            if (token := self._next()) == _END:
                break
            if token != ",":
                raise SelectorError(f"found '{token}', expected: ',' or 'end of string'")
            following = self._peek()
            if following == _END or (following in _SYMBOLS and following != "!"):
                raise SelectorError(f"found '{following}', expected: identifier after ','")
        return terms

    def _requirement(self) -> Term:
        key = self._next()
        negated = key == "!"
        if negated:
            key = self._next()
        if key in _SYMBOLS or key == _END:
            raise SelectorError(f"found '{key}', expected: identifier")
        if wrong := names.label_key(key):
            raise SelectorError(f'<nil>: Invalid value: "{key}": {"; ".join(wrong)}')
        if negated or self._peek() in (_END, ","):
            return checked_term(key, "!" if negated else "exists", ())
        operator = self._next()
        if operator not in _BINARY:
            raise SelectorError(f"found '{operator}', expected: {_BINARY_SHOWN}")
        values = self._set() if operator in ("in", "notin") else (self._value(),)
        return checked_term(key, operator, values)

    def _value(self) -> str:
        if self._peek() in (_END, ","):
            return ""
        token = self._next()
        if token in _SYMBOLS:
            raise SelectorError(f"found '{token}', expected: identifier")
        return token

    def _set(self) -> tuple[str, ...]:
        if (token := self._next()) != "(":
            raise SelectorError(f"found '{token}' expected: '('")
        token = self._peek()
        if token == _END or (token in _SYMBOLS and token not in (",", ")")):
            raise SelectorError(f"found '{token}', expected: ',', ')' or identifier")
        values: set[str] = set()
        while True:
            token = self._next()
            if token == ")":
                return tuple(sorted(values | {""}))
            if token == ",":
                values.add("")
            elif token == _END or token in _SYMBOLS:
                raise SelectorError(f"found '{token}', expected: ',', or identifier")
            else:
                values.add(token)
                following = self._next()
                if following == ")":
                    return tuple(sorted(values))
                if following != ",":
                    raise SelectorError(f"found '{following}', expected: ',' or ')'")

    def _peek(self) -> str:
        return self._tokens[self._at]

    def _next(self) -> str:
        token = self._tokens[self._at]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token


def _quoted(values: Sequence[str]) -> str:
    return "[" + ",".join(f'"{value}"' for value in values) + "]"


def is_integer(text: str) -> bool:
    """Whether Go's ParseInt takes it."""
    try:
        parse_int(text)
    except IntegerError:
        return False
    return True
