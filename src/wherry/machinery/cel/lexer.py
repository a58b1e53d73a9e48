"""From text to tokens. Source: the grammar of cel-go (`parser/gen/CEL.g4`)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from wherry.machinery.cel.source import Issue

_TOKEN = re.compile(
    r"""
    (?P<space>[\t \r\n\f]+|//[^\n]*)
  | (?P<bytes>[bB][rR]?(?:\"{3}(?:\\.|[^\\])*?\"{3}|'{3}(?:\\.|[^\\])*?'{3}|"(?:\\.|[^\\"\n\r])*"|'(?:\\.|[^\\'\n\r])*'))
  | (?P<string>[rR](?:\"{3}.*?\"{3}|'{3}.*?'{3}|"[^"\n\r]*"|'[^'\n\r]*')
      |\"{3}(?:\\.|[^\\])*?\"{3}|'{3}(?:\\.|[^\\])*?'{3}|"(?:\\.|[^\\"\n\r])*"|'(?:\\.|[^\\'\n\r])*')
  | (?P<float>[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?)
  | (?P<uint>(?:0x[0-9a-fA-F]+|[0-9]+)[uU])
  | (?P<int>0x[0-9a-fA-F]+|[0-9]+)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<escaped>`[A-Za-z0-9_.\-/ ]+`)
  | (?P<op>&&|\|\||==|!=|<=|>=|[-+*/%<>=!?:.,()\[\]{}])
    """,
    re.VERBOSE | re.DOTALL,
)
KEYWORDS = frozenset({"true", "false", "null", "in"})
END = "<EOF>"


@dataclass(frozen=True, slots=True)
class Token:
    """`kind`: string, bytes, float, uint, int, name, escaped, or the text itself for operators, keywords and the end."""

    kind: str
    text: str
    pos: int


def tokens(text: str) -> tuple[list[Token], list[Issue]]:
    """All tokens and an end; characters that start none are issues."""
    found: list[Token] = []
    issues: list[Issue] = []
    position, last = 0, len(text)
    while position < last:
        match = _TOKEN.match(text, position)
        if match is None:
            issues.append(Issue(position, f"Syntax error: token recognition error at: '{_bad(text, position)}'"))
            position += len(_bad(text, position))
            continue
        kind = match.lastgroup or ""
        word = match[0]
        if kind == "op" or word in KEYWORDS:
            found.append(Token(word, word, position))
        elif kind != "space":
            found.append(Token(kind, word, position))
        position = match.end()
    found.append(Token(END, END, last))
    return found, issues


def _bad(text: str, position: int) -> str:
    """What the recogniser gives up on: a string without end to the end of its line, or one character."""
    if text[position] in "\"'":
        end = text.find("\n", position)
        return text[position : end if end >= 0 else len(text)]
    return text[position]
