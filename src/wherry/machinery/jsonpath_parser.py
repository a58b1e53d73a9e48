"""The text of a JSONPath template as a tree. See `jsonpath` for what it means.

    template = { TEXT | "{" action "}" }
    action   = "range" path | "end" | path
    path     = { "$" | "@" | "." FIELD | ".." FIELD | "[" inside "]" | LITERAL }
    inside   = "*" | INDEX | SLICE | "'" KEY "'" | "?(" filter ")" | inside "," inside

Source: "JSONPath Support" in the Kubernetes documentation; k8s.io/client-go/util/jsonpath.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any


class JsonPathError(ValueError):
    """The template is malformed, or cannot be applied to the data; the message is upstream's."""


@dataclass(frozen=True, slots=True)
class Text:
    """Text between actions."""

    text: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A string, number or truth value inside an action."""

    value: Any


@dataclass(frozen=True, slots=True)
class Field:
    name: str


@dataclass(frozen=True, slots=True)
class Wildcard:
    """`.*`: every value of an object or list."""


@dataclass(frozen=True, slots=True)
class Recursive:
    """`..`: the value and everything below it."""


@dataclass(frozen=True, slots=True)
class Slice:
    """`[start:end:step]`; `single` for a mere index, which must exist."""

    start: int | None
    end: int | None
    step: int
    single: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """`[?(left operator right)]`; the operator is `exists` when there is only `left`."""

    left: Path
    operator: str
    right: Path


@dataclass(frozen=True, slots=True)
class Union:
    """`[a,b]`: the results of each, one after another."""

    paths: tuple[Path, ...]


Step = Literal | Field | Wildcard | Recursive | Slice | Filter | Union
Path = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Expression:
    """`{path}`."""

    path: Path


@dataclass(frozen=True, slots=True)
class Range:
    """`{range path}...{end}`."""

    path: Path
    body: tuple[Node, ...]


Node = Text | Expression | Range

_TERMINATORS = frozenset(" \t\r\n.,[]$@{}")
_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?")
_WORD = re.compile(r"[A-Za-z]+")
_SLICE = re.compile(r"(-?[0-9]*)(:-?[0-9]*)?(:-?[0-9]*)?")
_COMPARISON = re.compile(r"([^!<>=]+)([!<>=]+)(.+?)", re.DOTALL)
_OPERATORS = frozenset(("==", "!=", "<", "<=", ">", ">="))
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}


def parse(template: str) -> tuple[Node, ...]:
    """Raises `JsonPathError`."""
    return _Template(template).nodes()


def parse_path(text: str) -> Path:
    """One path without braces. Raises `JsonPathError`."""
    return _Path(text).steps()


class _Template:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def nodes(self, *, inside: bool = False) -> tuple[Node, ...]:
        found: list[Node] = []
        while self._at < len(self._text):
            opening = self._text.find("{", self._at)
            end = len(self._text) if opening < 0 else opening
            if end > self._at:
                found.append(Text(self._text[self._at : end]))
            if opening < 0:
                self._at = end
                break
            action = self._action(opening)
            if action == "end":
                if not inside:
                    raise JsonPathError("not in range, nothing to end")
                return tuple(found)
            word = _WORD.match(action)
            if word and word[0] == "range":
                found.append(Range(parse_path(action[word.end() :]), self.nodes(inside=True)))
            else:
                found.append(Expression(parse_path(action)))
        if inside:
            raise JsonPathError("unclosed range, missing {end}")
        return tuple(found)

    def _action(self, opening: int) -> str:
        closing = _closing(self._text, opening, "{", "}")
        if closing < 0:
            raise JsonPathError("unclosed action")
        self._at = closing + 1
        return self._text[opening + 1 : closing].strip()


class _Path:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def steps(self) -> Path:
        found: list[Step] = []
        while self._at < len(self._text):
            character = self._text[self._at]
            if character in "$@ \t\r\n":
                self._at += 1
            elif character == ".":
                found += self._dotted()
            elif character == "[":
                found.append(self._bracketed())
            elif character in "\"'":
                found.append(Literal(self._string()))
            else:
                found.append(self._bare())
        return tuple(found)

    def _dotted(self) -> list[Step]:
        recursive = self._text.startswith("..", self._at)
        self._at += 2 if recursive else 1
        found: list[Step] = [Recursive()] if recursive else []
        if name := self._name():
            found.append(Wildcard() if name == "*" else Field(name))
        return found

    def _name(self) -> str:
        letters: list[str] = []
        while self._at < len(self._text) and self._text[self._at] not in _TERMINATORS:
            if self._text[self._at] == "\\":
                self._at += 1
            letters.append(self._text[self._at : self._at + 1])
            self._at += 1
        return "".join(letters)

    def _bracketed(self) -> Step:
        closing = _closing(self._text, self._at, "[", "]")
        if closing < 0:
            raise JsonPathError("unterminated array")
        inside = self._text[self._at + 1 : closing].strip()
        self._at = closing + 1
        parts = _split(inside)
        if len(parts) > 1 and not inside.startswith("?("):
            return Union(tuple((_inside(part.strip()),) for part in parts))
        return _inside(inside)

    def _string(self) -> str:
        quote = self._text[self._at]
        closing = _string_end(self._text, self._at)
        if closing < 0:
            raise JsonPathError("unterminated quoted string")
        body = self._text[self._at + 1 : closing]
        self._at = closing + 1
        return unescape(body, quote)

    def _bare(self) -> Step:
        if match := _NUMBER.match(self._text, self._at):
            self._at = match.end()
            return Literal(float(match[0]) if match[1] else int(match[0]))
        if match := _WORD.match(self._text, self._at):
            self._at = match.end()
            if match[0] in ("true", "false"):
                return Literal(match[0] == "true")
            raise JsonPathError(f"unrecognized identifier {match[0]}")
        character = self._text[self._at]
        raise JsonPathError(f"unrecognized character in action: U+{ord(character):04X} '{character}'")


def unescape(body: str, quote: str = '"') -> str:
    r"""The text of a quoted string: `\n`, `\t`, `\"`, `\u00e9` and their like."""

    def one(match: re.Match[str]) -> str:
        if match[1]:
            return chr(int(match[1], 16))
        return _ESCAPES.get(match[2], match[2])

    return re.sub(r"\\(?:u([0-9a-fA-F]{4})|(.))", one, body, flags=re.DOTALL)


def _inside(text: str) -> Step:
    """What stands between brackets."""
    if text.startswith("?("):
        if not text.endswith(")"):
            raise JsonPathError("unterminated filter")
        return _filter(text[2:-1].strip())
    if text[:1] in ("'", '"') and _string_end(text, 0) == len(text) - 1:
        return Field(unescape(text[1:-1], text[0]))
    if text == "*":
        return Slice(None, None, 1)
    match = _SLICE.fullmatch(text)
    if match is None or text == "":
        raise JsonPathError(f"invalid array index {text}")
    start, end, step = (None if part in (None, "", ":") else int(part.lstrip(":")) for part in match.groups())
    if match[2] is None:
        if start is None:
            raise JsonPathError(f"invalid array index {text}")
        return Slice(start, start + 1, 1, single=True)
    if step is not None and step <= 0:
        raise JsonPathError("step must be > 0")
    return Slice(start, end, step or 1)


def _filter(text: str) -> Filter:
    match = _COMPARISON.fullmatch(text)
    if match is None:
        return Filter(parse_path(text), "exists", ())
    left, operator, right = match[1].strip(), match[2], match[3].strip()
    if operator not in _OPERATORS:
        raise JsonPathError(f"unrecognized filter operator {operator}")
    return Filter(parse_path(left), operator, parse_path(right))


def _string_end(text: str, at: int) -> int:
    """Where the quoted string that begins here ends; -1 if it does not."""
    quote, at = text[at], at + 1
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == quote:
            return at
        at += 1
    return -1


def _closing(text: str, at: int, opening: str, closing: str) -> int:
    """Where the bracket that opens here is closed, strings left out; -1 if it is not."""
    depth = 0
    while at < len(text):
        character = text[at]
        if character == "\\":
            at += 1
        elif character in "\"'":
            end = _string_end(text, at)
            if end < 0:
                return -1
            at = end
        elif character == opening:
            depth += 1
        elif character == closing:
            depth -= 1
            if not depth:
                return at
        at += 1
    return -1


def _split(text: str) -> list[str]:
    """By commas outside of strings."""
    parts, begin, at = [], 0, 0
    while at < len(text):
        if text[at] in "\"'":
            end = _string_end(text, at)
            at = len(text) if end < 0 else end
        elif text[at] == ",":
            parts.append(text[begin:at])
            begin = at + 1
        at += 1
    return [*parts, text[begin:]]
