"""From text to a tree; macros are expanded on the way.

Precedence climbing over the tokens. The texts of syntax errors are those of the generated parser of cel-go, as far as
one error goes: parsing stops at the first. Source: the CEL specification, "Syntax"; cel-go `parser`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from wherry.machinery.cel.ast import (
    Call,
    Entry,
    FieldEntry,
    Ident,
    ListExpr,
    Literal,
    MapExpr,
    Node,
    Select,
    StructExpr,
)
from wherry.machinery.cel.lexer import END, Token, tokens
from wherry.machinery.cel.literals import LiteralError, bytes_value, int_value, string_value, uint_value
from wherry.machinery.cel.macros import MacroError, Macros
from wherry.machinery.cel.source import CompileError, Issue
from wherry.machinery.cel.values import Uint

MAX_DEPTH: Final = 250
MAX_CODE_POINTS: Final = 100_000
_RELATION: Final = 2
_BINARY: Final = {
    "||": (0, "_||_"), "&&": (1, "_&&_"), "<": (2, "_<_"), "<=": (2, "_<=_"), ">=": (2, "_>=_"), ">": (2, "_>_"),
    "==": (2, "_==_"), "!=": (2, "_!=_"), "in": (2, "@in"), "+": (3, "_+_"), "-": (3, "_-_"), "*": (4, "_*_"),
    "/": (4, "_/_"), "%": (4, "_%_"),
}  # fmt: skip
"""Level and function; a higher level binds closer."""
RESERVED: Final = frozenset(
    [
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
        "loop",
        "package",
        "namespace",
        "return",
        "var",
        "void",
        "while",
    ]
)
_PRIMARY: Final = (
    "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
)


def parse(text: str, macros: Macros) -> Node:
    """Raises `CompileError`."""
    if len(text) > MAX_CODE_POINTS:
        why = f"expression code point size exceeds limit: size: {len(text)}, limit {MAX_CODE_POINTS}"
        raise CompileError(text, [Issue(-1, why)])
    found, issues = tokens(text)
    parser = _Parser(found, macros)
    tree: Node | None = None
    try:
        tree = parser.whole()
    except _Stop as stop:
        issues.append(stop.issue)
    except RecursionError:
        issues.append(Issue(-1, _TOO_DEEP))
    issues += parser.issues
    if issues or tree is None:
        raise CompileError(text, issues)
    return tree


_TOO_DEEP: Final = f"expression recursion limit exceeded: {MAX_DEPTH}"


class _Stop(Exception):
    def __init__(self, pos: int, message: str) -> None:
        super().__init__(message)
        self.issue = Issue(pos, message)


class _Parser:
    def __init__(self, found: Sequence[Token], macros: Macros) -> None:
        self._tokens = found
        self._at = 0
        self._depth = 0
        self._macros = macros
        self.issues: list[Issue] = []

    def whole(self) -> Node:
        tree = self._expr()
        self._take(END)
        return tree

    # -- tokens

    @property
    def _kind(self) -> str:
        return self._tokens[self._at].kind

    def _next(self) -> Token:
        token = self._tokens[self._at]
        self._at += token.kind != END
        return token

    def _accept(self, kind: str) -> Token | None:
        return self._next() if self._kind == kind and kind != END else None

    def _take(self, kind: str, shown: str = "") -> Token:
        token = self._tokens[self._at]
        if token.kind == kind:
            return self._next()
        wanted = shown or (END if kind == END else f"'{kind}'")
        following = self._tokens[min(self._at + 1, len(self._tokens) - 1)]
        if following.kind == kind and token.kind != END:
            raise self._stop(token, f"extraneous input '{token.text}' expecting {wanted}")
        if token.kind == END and kind != END and not shown:
            raise self._stop(token, f"missing {wanted} at '{END}'")
        raise self._stop(token, f"mismatched input '{token.text}' expecting {wanted}")

    def _stop(self, token: Token, message: str) -> _Stop:
        return _Stop(token.pos, f"Syntax error: {message}")

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _Stop(-1, _TOO_DEEP)

    # -- operators

    def _expr(self) -> Node:
        self._deeper()
        condition = self._operators(0)
        if op := self._accept("?"):
            first = self._operators(0)
            self._take(":")
            condition = Call(op.pos, "_?_:_", [condition, first, self._expr()])
        self._depth -= 1
        return condition

    def _operators(self, least: int) -> Node:
        """Operands and operators of at least that level. Few frames per level: nesting costs Python's stack."""
        left = self._unary() if self._kind in ("!", "-") else self._member()
        length = 0
        while (found := _BINARY.get(self._kind)) is not None and found[0] >= least:
            level, function = found
            length += 1
            if length > MAX_DEPTH:
                raise _Stop(-1, _TOO_DEEP)
            if level < _RELATION:
                left = self._logic(left, level, function)
            else:
                left = Call(self._next().pos, function, [left, self._operators(level + 1)])
        return left

    def _logic(self, first: Node, level: int, function: str) -> Node:
        terms, places, sign = [first], [], self._kind
        while op := self._accept(sign):
            places.append(op.pos)
            terms.append(self._operators(level + 1))
        return _balanced(function, terms, places, 0, len(places) - 1)

    def _unary(self) -> Node:
        kind = self._kind
        if kind not in ("!", "-"):
            return self._member()
        first = self._next()
        if kind == "-" and self._kind in ("int", "float"):
            return self._member(negative=first)
        times = 1
        while self._accept(kind):
            times += 1
        inner = self._member()
        return Call(first.pos, "!_" if kind == "!" else "-_", [inner]) if times % 2 else inner

    # -- members

    def _member(self, negative: Token | None = None) -> Node:
        node = self._primary(negative)
        length = 0
        while self._kind in (".", "["):
            length += 1
            if length > MAX_DEPTH:
                raise _Stop(-1, _TOO_DEEP)
            op = self._next()
            node = self._index(node, op) if op.kind == "[" else self._dot(node, op)
        return node

    def _index(self, node: Node, op: Token) -> Node:
        function = "_[?_]" if self._accept("?") else "_[_]"
        index = self._expr()
        self._take("]")
        return Call(op.pos, function, [node, index])

    def _dot(self, node: Node, op: Token) -> Node:
        optional = self._accept("?")
        if not optional and self._kind == "name" and self._tokens[self._at + 1].kind == "(":
            name, opened = self._next(), self._next()
            return self._call(opened.pos, name.text, node, self._arguments())
        if self._kind not in ("name", "escaped"):
            token = self._tokens[self._at]
            if token.kind in ("in", "true", "false", "null", END):
                raise self._stop(token, f"no viable alternative at input '{_before(self._tokens, self._at)}'")
            self._take("name", "IDENTIFIER")
        name = self._next()
        field = name.text.strip("`")
        if optional:
            return Call(op.pos, "_?._", [node, Literal(name.pos, field)])
        return Select(op.pos, node, field)

    def _arguments(self) -> list[Node]:
        args: list[Node] = []
        if self._accept(")"):
            return args
        args.append(self._expr())
        while self._accept(","):
            args.append(self._expr())
        self._take(")")
        return args

    def _call(self, pos: int, function: str, target: Node | None, args: list[Node]) -> Node:
        try:
            expanded = self._macros.expand(pos, function, target, args)
        except MacroError as error:
            self.issues.append(Issue(error.pos, str(error)))
            return Literal(pos, None)
        return expanded if expanded is not None else Call(pos, function, args, target)

    # -- primaries

    def _primary(self, negative: Token | None = None) -> Node:
        token = self._next()
        if token.kind in ("int", "float", "uint", "string", "bytes"):
            return self._literal(token, negative)
        if token.kind in _CONSTANTS:
            return Literal(token.pos, _CONSTANTS[token.kind])
        if token.kind == "(":
            inner = self._expr()
            self._take(")")
            return inner
        if token.kind == "[":
            return self._list(token.pos)
        if token.kind == "{":
            return self._map(token.pos)
        if token.kind == ".":
            return self._name(self._take("name", "IDENTIFIER"), leading=".", pos=token.pos)
        if token.kind == "name":
            return self._name(token)
        raise self._stop(
            token, f"{'mismatched' if token.kind == END else 'extraneous'} input '{token.text}' expecting {_PRIMARY}"
        )

    def _name(self, token: Token, *, leading: str = "", pos: int = -1) -> Node:
        name = leading + token.text
        if opened := self._accept("("):
            return self._call(opened.pos, name, None, self._arguments())
        if (struct := self._struct_name(name)) is not None:
            return self._struct(struct)
        if token.text in RESERVED:
            self.issues.append(Issue(token.pos, f"reserved identifier: {token.text}"))
        return Ident(pos if leading else token.pos, name)

    def _struct_name(self, name: str) -> str | None:
        """Look ahead: `a.b.C{` is the name of a type."""
        at = self._at
        while self._tokens[at].kind == "." and self._tokens[at + 1].kind == "name":
            name += "." + self._tokens[at + 1].text
            at += 2
        if self._tokens[at].kind != "{":
            return None
        self._at = at
        return name

    def _literal(self, token: Token, negative: Token | None) -> Node:
        pos = negative.pos if negative else token.pos
        try:
            if token.kind == "int":
                return Literal(pos, int_value(token.text, negative=negative is not None))
            if token.kind == "uint":
                return Literal(pos, Uint(uint_value(token.text)))
            if token.kind == "float":
                return Literal(pos, -float(token.text) if negative else float(token.text))
            return Literal(pos, string_value(token.text) if token.kind == "string" else bytes_value(token.text))
        except LiteralError as error:
            self.issues.append(Issue(pos, str(error)))
            return Literal(pos, None)

    def _list(self, pos: int) -> Node:
        items: list[Node] = []
        optional: set[int] = set()
        while self._kind != "]":
            if self._accept("?"):
                optional.add(len(items))
            items.append(self._expr())
            if not self._accept(","):
                break
        self._take("]")
        return ListExpr(pos, items, frozenset(optional))

    def _map(self, pos: int) -> Node:
        entries: list[Entry] = []
        while self._kind != "}":
            optional = self._accept("?") is not None
            key = self._expr()
            colon = self._take(":")
            entries.append(Entry(colon.pos, key, self._expr(), optional))
            if not self._accept(","):
                break
        self._take("}")
        return MapExpr(pos, entries)

    def _struct(self, name: str) -> Node:
        opened = self._next()
        fields: list[FieldEntry] = []
        while self._kind != "}":
            optional = self._accept("?") is not None
            key = self._next() if self._kind in ("name", "escaped") else self._take("name", "IDENTIFIER")
            colon = self._take(":")
            fields.append(FieldEntry(colon.pos, key.text.strip("`"), self._expr(), optional))
            if not self._accept(","):
                break
        self._take("}")
        return StructExpr(opened.pos, name, fields)


_CONSTANTS: Final = {"true": True, "false": False, "null": None}


def _before(found: Sequence[Token], at: int) -> str:
    return "".join(token.text for token in found[max(at - 1, 0) : at + 1]).replace(END, "")


def _balanced(function: str, terms: list[Node], places: list[int], low: int, high: int) -> Node:
    """A tree of least depth for a chain of `&&` or `||`."""
    middle = (low + high + 1) // 2
    left = terms[middle] if middle == low else _balanced(function, terms, places, low, middle - 1)
    right = terms[middle + 1] if middle == high else _balanced(function, terms, places, middle + 1, high)
    return Call(places[middle], function, [left, right])
