"""Macros: calls that are rewritten while parsing, most of them into the one loop that CEL has.

Source: cel-go `parser/macro.go`, `ext/comprehensions.go`, `cel/library.go` (optMap, optFlatMap), `ext/bindings.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from wherry.machinery.cel.ast import (
    RESULT,
    Call,
    Comprehension,
    Ident,
    ListExpr,
    Literal,
    MapExpr,
    Node,
    Select,
    qualified_name,
)

Expander = Callable[[int, Node | None, list[Node]], Node]


class MacroError(ValueError):
    def __init__(self, pos: int, message: str) -> None:
        super().__init__(message)
        self.pos = pos


@dataclass(frozen=True, slots=True)
class Macros:
    """Expanders by name, whether the call has a target, and number of arguments."""

    table: Mapping[tuple[str, bool, int], Expander]

    def expand(self, pos: int, function: str, target: Node | None, args: list[Node]) -> Node | None:
        """The tree in place of the call; None where it is no macro. Raises `MacroError`."""
        expander = self.table.get((function, target is not None, len(args)))
        if expander is None:
            return None
        if function == "bind" and qualified_name(target) != "cel":
            return None
        node = expander(pos, target, args)
        if isinstance(node, Comprehension):
            node.macro = Call(pos, function, args, target)
        return node


def _has(pos: int, target: Node | None, args: list[Node]) -> Node:
    operand = args[0]
    if not isinstance(operand, Select) or operand.test_only:
        raise MacroError(operand.pos, "invalid argument to has() macro")
    return Select(pos, operand.operand, operand.name, True)


def _variable(node: Node) -> str:
    if not isinstance(node, Ident):
        raise MacroError(node.pos, "argument must be a simple name")
    if node.name == RESULT or node.name == "__result__":
        raise MacroError(node.pos, "iteration variable overwrites accumulator variable")
    return node.name


def _variables(names: list[Node]) -> tuple[str, str]:
    first = _variable(names[0])
    if len(names) == 1:
        return first, ""
    second = _variable(names[1])
    if first == second:
        raise MacroError(names[1].pos, f"duplicate variable name: {second}")
    return first, second


def _fold(
    pos: int,
    target: Node | None,
    names: list[Node],
    *,
    init: Node,
    condition: Node,
    step: Node,
    result: Node | None = None,
) -> Node:
    first, second = _variables(names)
    assert target is not None  # macros with a target are found only with one
    return Comprehension(pos, target, first, second, RESULT, init, condition, step, result or Ident(pos, RESULT))


def _all(pos: int, target: Node | None, args: list[Node]) -> Node:
    accu = Ident(pos, RESULT)
    return _fold(
        pos,
        target,
        args[:-1],
        init=Literal(pos, True),
        condition=Call(pos, "@not_strictly_false", [accu]),
        step=Call(pos, "_&&_", [Ident(pos, RESULT), args[-1]]),
    )


def _exists(pos: int, target: Node | None, args: list[Node]) -> Node:
    return _fold(
        pos,
        target,
        args[:-1],
        init=Literal(pos, False),
        condition=Call(pos, "@not_strictly_false", [Call(pos, "!_", [Ident(pos, RESULT)])]),
        step=Call(pos, "_||_", [Ident(pos, RESULT), args[-1]]),
    )


def _exists_one(pos: int, target: Node | None, args: list[Node]) -> Node:
    plus = Call(pos, "_+_", [Ident(pos, RESULT), Literal(pos, 1)])
    return _fold(
        pos,
        target,
        args[:-1],
        init=Literal(pos, 0),
        condition=Literal(pos, True),
        step=Call(pos, "_?_:_", [args[-1], plus, Ident(pos, RESULT)]),
        result=Call(pos, "_==_", [Ident(pos, RESULT), Literal(pos, 1)]),
    )


def _when(pos: int, predicate: Node | None, step: Node) -> Node:
    return step if predicate is None else Call(pos, "_?_:_", [predicate, step, Ident(pos, RESULT)])


def _listing(pos: int, target: Node | None, names: list[Node], predicate: Node | None, item: Node) -> Node:
    step = Call(pos, "_+_", [Ident(pos, RESULT), ListExpr(pos, [item])])
    init = ListExpr(pos, [])
    return _fold(pos, target, names, init=init, condition=Literal(pos, True), step=_when(pos, predicate, step))


def _map(pos: int, target: Node | None, args: list[Node]) -> Node:
    return _listing(pos, target, args[:1], args[1] if len(args) == 3 else None, args[-1])


def _filter(pos: int, target: Node | None, args: list[Node]) -> Node:
    name = _variable(args[0])
    return _listing(pos, target, args[:1], args[1], Ident(args[0].pos, name))


def _transform_list(pos: int, target: Node | None, args: list[Node]) -> Node:
    return _listing(pos, target, args[:2], args[2] if len(args) == 4 else None, args[-1])


def _mapping(pos: int, target: Node | None, args: list[Node], added: list[Node]) -> Node:
    step = Call(pos, "cel.@mapInsert", [Ident(pos, RESULT), *added])
    predicate = args[2] if len(args) == 4 else None
    init = MapExpr(pos, [])
    return _fold(pos, target, args[:2], init=init, condition=Literal(pos, True), step=_when(pos, predicate, step))


def _transform_map(pos: int, target: Node | None, args: list[Node]) -> Node:
    return _mapping(pos, target, args, [Ident(args[0].pos, _variable(args[0])), args[-1]])


def _transform_map_entry(pos: int, target: Node | None, args: list[Node]) -> Node:
    return _mapping(pos, target, args, [args[-1]])


def bound(pos: int, name: str, value: Node, body: Node) -> Comprehension:
    """A name for a value: `cel.bind(name, value, body)`."""
    return Comprehension(
        pos, ListExpr(pos, []), "#unused", "", name, value, Literal(pos, False), Ident(pos, name), body
    )


def _bind(pos: int, target: Node | None, args: list[Node]) -> Node:
    if not isinstance(args[0], Ident):
        raise MacroError(args[0].pos, "cel.bind() variable names must be simple identifiers")
    return bound(pos, args[0].name, args[1], args[2])


def _opt_flat_map(pos: int, target: Node | None, args: list[Node]) -> Node:
    if not isinstance(args[0], Ident):
        raise MacroError(args[0].pos, "optFlatMap() variable name must be a simple identifier")
    return _opt(pos, target, bound(pos, args[0].name, Call(pos, "value", [], target), args[1]))


def _opt_map(pos: int, target: Node | None, args: list[Node]) -> Node:
    if not isinstance(args[0], Ident):
        raise MacroError(args[0].pos, "optMap() variable name must be a simple identifier")
    inner = bound(pos, args[0].name, Call(pos, "value", [], target), args[1])
    return _opt(pos, target, Call(pos, "optional.of", [inner]))


def _opt(pos: int, target: Node | None, value: Node) -> Node:
    return Call(pos, "_?_:_", [Call(pos, "hasValue", [], target), value, Call(pos, "optional.none", [])])


STANDARD: Mapping[tuple[str, bool, int], Expander] = {
    ("has", False, 1): _has,
    ("all", True, 2): _all,
    ("exists", True, 2): _exists,
    ("exists_one", True, 2): _exists_one,
    ("existsOne", True, 2): _exists_one,
    ("map", True, 2): _map,
    ("map", True, 3): _map,
    ("filter", True, 2): _filter,
}
TWO_VARIABLES: Mapping[tuple[str, bool, int], Expander] = {
    ("all", True, 3): _all,
    ("exists", True, 3): _exists,
    ("exists_one", True, 3): _exists_one,
    ("existsOne", True, 3): _exists_one,
    ("transformList", True, 3): _transform_list,
    ("transformList", True, 4): _transform_list,
    ("transformMap", True, 3): _transform_map,
    ("transformMap", True, 4): _transform_map,
    ("transformMapEntry", True, 3): _transform_map_entry,
    ("transformMapEntry", True, 4): _transform_map_entry,
}
OPTIONALS: Mapping[tuple[str, bool, int], Expander] = {
    ("optMap", True, 2): _opt_map,
    ("optFlatMap", True, 2): _opt_flat_map,
}
BINDINGS: Mapping[tuple[str, bool, int], Expander] = {("bind", True, 3): _bind}
"""`cel.bind`; not part of Kubernetes' environment."""
