"""From a tree back to text, macros as they were written. What is parsed again gives the same tree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from wherry.machinery.cel.ast import (
    Call,
    Comprehension,
    Ident,
    ListExpr,
    Literal,
    MapExpr,
    Node,
    Select,
    StructExpr,
)
from wherry.machinery.cel.values import Uint

_ESCAPES: Final = {"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t"}
_LEVELS: Final[Mapping[str, tuple[str, int]]] = {
    "_||_": ("||", 1), "_&&_": ("&&", 2), "_<_": ("<", 3), "_<=_": ("<=", 3), "_>_": (">", 3), "_>=_": (">=", 3),
    "_==_": ("==", 3), "_!=_": ("!=", 3), "@in": ("in", 3), "_+_": ("+", 4), "_-_": ("-", 4), "_*_": ("*", 5),
    "_/_": ("/", 5), "_%_": ("%", 5),
}  # fmt: skip
_UNARY, _ATOM = 6, 7


def unparse(node: Node) -> str:
    """The expression as text, with as few brackets as it needs."""
    return _text(node)[0]


def _text(node: Node) -> tuple[str, int]:
    return _PRINTERS[node.__class__](node)


def _inside(node: Node, level: int) -> str:
    text, found = _text(node)
    return text if found >= level else f"({text})"


def _literal(node: Literal) -> tuple[str, int]:
    text = _value(node.value)
    return text, _UNARY if text.startswith("-") else _ATOM


def _value(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Uint):
        return f"{int(value)}u"
    if isinstance(value, str):
        return '"' + "".join(_ESCAPES.get(char, char) for char in value) + '"'
    if isinstance(value, bytes):
        return 'b"' + "".join(f"\\x{byte:02x}" for byte in value) + '"'
    return repr(value)


def _select(node: Select) -> tuple[str, int]:
    text = f"{_inside(node.operand, _ATOM)}.{_name(node.name)}"
    return (f"has({text})" if node.test_only else text), _ATOM


def _name(name: str) -> str:
    return name if name.replace("_", "a").isalnum() and name.isascii() and not name[0].isdigit() else f"`{name}`"


def _call(node: Call) -> tuple[str, int]:
    args = node.args
    if node.target is not None:
        return f"{_inside(node.target, _ATOM)}.{node.function}({', '.join(map(unparse, args))})", _ATOM
    if (known := _LEVELS.get(node.function)) is not None:
        sign, level = known
        # Chains of && and || are balanced while parsing; brackets keep what was meant.
        left = level + 1 if level < 3 else level
        return f"{_inside(args[0], left)} {sign} {_inside(args[1], level + 1)}", level
    if node.function == "_?_:_":
        return f"{_inside(args[0], 1)} ? {_inside(args[1], 1)} : {unparse(args[2])}", 0
    if node.function in ("!_", "-_"):
        inner = _inside(args[0], _ATOM)
        return f"{node.function[0]}({inner})" if isinstance(args[0], Literal) else f"{node.function[0]}{inner}", _UNARY
    if node.function in ("_[_]", "_[?_]"):
        return f"{_inside(args[0], _ATOM)}[{'?' if '?' in node.function else ''}{unparse(args[1])}]", _ATOM
    if node.function == "_?._" and isinstance(args[1], Literal):
        return f"{_inside(args[0], _ATOM)}.?{_name(args[1].value)}", _ATOM
    return f"{node.function}({', '.join(map(unparse, args))})", _ATOM


def _list(node: ListExpr) -> tuple[str, int]:
    items = [("?" if index in node.optional else "") + unparse(item) for index, item in enumerate(node.items)]
    return f"[{', '.join(items)}]", _ATOM


def _map(node: MapExpr) -> tuple[str, int]:
    rows = [f"{'?' if row.optional else ''}{unparse(row.key)}: {unparse(row.value)}" for row in node.entries]
    return f"{{{', '.join(rows)}}}", _ATOM


def _struct(node: StructExpr) -> tuple[str, int]:
    rows = [f"{'?' if row.optional else ''}{_name(row.name)}: {unparse(row.value)}" for row in node.fields]
    return f"{node.type_name}{{{', '.join(rows)}}}", _ATOM


def _comprehension(node: Comprehension) -> tuple[str, int]:
    if node.macro is None:
        raise ValueError("a loop that no macro made has no text")
    return _call(node.macro)


_PRINTERS: Final[Mapping[type, Callable[[Any], tuple[str, int]]]] = {
    Literal: _literal, Ident: lambda node: (node.name, _ATOM), Select: _select, Call: _call, ListExpr: _list,
    MapExpr: _map, StructExpr: _struct, Comprehension: _comprehension,
}  # fmt: skip
