"""From a checked tree to Python closures.

Each node becomes a function of a `Frame`, which holds the variables and counts the cost. The part of the cost that is
the same whenever a piece of the tree runs is added up here and charged once per piece (the whole, the second half of an
`&&`, a branch, a turn of a loop); only calls whose cost depends on their arguments count for themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from wherry.machinery.cel import costs
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
    StructExpr,
    is_bind,
)
from wherry.machinery.cel.calls import bind_call
from wherry.machinery.cel.checker import Checked, FindType
from wherry.machinery.cel.code import (
    append,
    bound,
    dynamic_field,
    field,
    insert,
    optional_select,
    presence,
    read,
    read_held,
    sure_logic,
    unsure_logic,
    unwrapped,
)
from wherry.machinery.cel.frame import Code, Frame, Piece, charged
from wherry.machinery.cel.loops import Loop, loop_code
from wherry.machinery.cel.types import DYN, Kind, Type, is_optional
from wherry.machinery.cel.values import (
    EvaluationError,
    Struct,
    TypeValue,
    as_key,
    from_key,
    no_overload,
)

_STATIC_SELECT: Final = frozenset({Kind.OBJECT, Kind.MAP})


def compile_tree(tree: Node, checked: Checked, *, variables: Mapping[str, Type], find_type: FindType) -> Piece:
    """The code of a tree, and what it costs at least."""
    return _Compiler(checked, variables, find_type).piece(tree)


class _Compiler:
    def __init__(self, checked: Checked, variables: Mapping[str, Type], find_type: FindType) -> None:
        self._checked = checked
        self._variables = variables
        self._find_type = find_type
        self._slots: list[dict[str, tuple[str, bool]]] = []
        self._made = 0

    def piece(self, node: Node) -> Piece:
        return _VISITORS[node.__class__](self, node)

    def _type(self, node: Node) -> Type:
        return self._checked.types.get(node, DYN)

    def _charged(self, node: Node) -> Code:
        return charged(self.piece(node))

    # -- names

    def _literal(self, node: Literal) -> Piece:
        value = node.value
        return (lambda frame: value), 0

    def _slot(self, name: str) -> tuple[str, bool] | None:
        for scope in reversed(self._slots):
            if (slot := scope.get(name)) is not None:
                return slot
        return None

    def _new_slot(self, name: str) -> str:
        self._made += 1
        return f"{name}#{self._made}"

    def _ident(self, node: Ident) -> Piece:
        return self._named(node.name), costs.SELECT

    def _named(self, name: str) -> Code:
        if not name.startswith(".") and (slot := self._slot(name)) is not None:
            return read_held(slot[0]) if slot[1] else read(slot[0])
        name = name.lstrip(".")
        if name not in self._variables and (named := self._find_type(name)) is not None:
            value = TypeValue(named.name)
            return lambda frame: value
        return read(name)

    def _select(self, node: Select) -> Piece:
        if (full := self._checked.names.get(node)) is not None:
            return self._named(full), costs.SELECT
        operand, cost = self.piece(node.operand)
        type_, name = self._type(node.operand), node.name
        if node.test_only:
            return presence(operand, name), cost
        if is_optional(type_):
            return optional_select(operand, name), cost + costs.SELECT
        if type_.kind in _STATIC_SELECT:
            return field(operand, name), cost + costs.SELECT
        return dynamic_field(operand, name), cost + costs.SELECT

    # -- calls

    def _call(self, node: Call) -> Piece:
        special = _SPECIAL.get(node.function) if node.target is None else None
        if special is not None:
            return special(self, node)
        static = self._checked.functions.get(node)
        nodes = node.args if node.target is None or static else [node.target, *node.args]
        pieces = [self.piece(each) for each in nodes]
        types = [self._type(each) for each in nodes]
        function = static or node.function.lstrip(".")
        overloads = self._checked.overloads[node]
        code, cost = bind_call(function, overloads, [code for code, _ in pieces], types)
        return code, cost + sum(each for _, each in pieces)

    def _and(self, node: Call) -> Piece:
        return self._logical(node, stop=False)

    def _or(self, node: Call) -> Piece:
        return self._logical(node, stop=True)

    def _logical(self, node: Call, *, stop: bool) -> Piece:
        left, cost = self.piece(node.args[0])
        right = self._charged(node.args[1])
        sure = all(self._type(arg).kind is Kind.BOOL for arg in node.args)
        return (sure_logic if sure else unsure_logic)(left, right, stop), cost

    def _conditional(self, node: Call) -> Piece:
        condition, cost = self.piece(node.args[0])
        then, otherwise = self._charged(node.args[1]), self._charged(node.args[2])

        def run(frame: Frame) -> Any:
            found = condition(frame)
            if found is True:
                return then(frame)
            if found is False:
                return otherwise(frame)
            raise no_overload()

        return run, cost

    def _optional_select(self, node: Call) -> Piece:
        operand, cost = self.piece(node.args[0])
        name = node.args[1]
        assert isinstance(name, Literal)
        return optional_select(operand, str(name.value)), cost + costs.SELECT

    def _not_strictly_false(self, node: Call) -> Piece:
        inner, cost = self.piece(node.args[0])

        def run(frame: Frame) -> bool:
            try:
                return inner(frame) is not False
            except EvaluationError:
                return True

        return run, cost + 1

    # -- aggregates

    def _list(self, node: ListExpr) -> Piece:
        pieces = [self.piece(item) for item in node.items]
        codes, optional = [code for code, _ in pieces], node.optional
        cost = costs.LIST + sum(each for _, each in pieces)
        if not optional:
            return (lambda frame: [code(frame) for code in codes]), cost

        def run(frame: Frame) -> list[Any]:
            found: list[Any] = []
            for index, code in enumerate(codes):
                value = code(frame)
                if index not in optional:
                    found.append(value)
                elif unwrapped(value).present:
                    found.append(value.value)
            return found

        return run, cost

    def _map(self, node: MapExpr) -> Piece:
        cost = costs.MAP
        rows: list[tuple[Code, Code, bool]] = []
        for entry in node.entries:
            (key, key_cost), (value, value_cost) = self.piece(entry.key), self.piece(entry.value)
            cost += key_cost + value_cost
            rows.append((key, value, entry.optional))

        def run(frame: Frame) -> dict[Any, Any]:
            found: dict[Any, Any] = {}
            for key, code, optional in rows:
                place, value = as_key(key(frame)), code(frame)
                if optional:
                    if not unwrapped(value).present:
                        continue
                    value = value.value
                if place in found:
                    raise EvaluationError(f"Failed with repeated key: {from_key(place)}")
                found[place] = value
            return found

        return run, cost

    def _struct(self, node: StructExpr) -> Piece:
        name, cost = self._checked.names[node], costs.STRUCT
        rows: list[tuple[str, Code, bool]] = []
        for entry in node.fields:
            code, each = self.piece(entry.value)
            cost += each
            rows.append((entry.name, code, entry.optional))

        def run(frame: Frame) -> Struct:
            found: dict[str, Any] = {}
            for key, code, optional in rows:
                value = code(frame)
                if not optional:
                    found[key] = value
                elif unwrapped(value).present:
                    found[key] = value.value
            return Struct(name, found)

        return run, cost

    # -- loops

    def _comprehension(self, node: Comprehension) -> Piece:
        around, cost = self.piece(node.iter_range)
        init, init_cost = self.piece(node.accu_init)
        accu = self._new_slot(node.accu_var)
        if is_bind(node):
            self._slots.append({node.accu_var: (accu, True)})
            result, result_cost = self.piece(node.result)
            self._slots.pop()
            return bound(accu, charged((init, init_cost)), result), cost + result_cost
        first, second = self._new_slot(node.iter_var), self._new_slot(node.iter_var2) if node.iter_var2 else ""
        self._slots.append({node.accu_var: (accu, True)})
        inner = {node.iter_var: (first, False)}
        if second:
            inner[node.iter_var2] = (second, False)
        self._slots.append(inner)
        condition, stop = self.piece(node.condition), _deciding(node)
        # Only one of the two: a body compiled twice would double with every loop inside of it.
        if stop is not None and isinstance(node.step, Call):
            predicate, step = self.piece(node.step.args[1]), condition
        else:
            predicate, step = None, self._step(node, node.step, accu)
        self._slots.pop()
        result, result_cost = self.piece(node.result)
        self._slots.pop()
        loop = Loop(around, first, second, accu, init, condition, step, result, _never_stops(node), stop, predicate)
        return loop_code(loop), cost + init_cost + result_cost

    def _step(self, loop: Comprehension, node: Node, accu: str) -> Piece:
        """The step of a loop; one that adds to the list or map of the loop itself adds in place."""
        if isinstance(node, Call) and node.function == "_?_:_":
            condition, cost = self.piece(node.args[0])
            then = charged(self._step(loop, node.args[1], accu))
            otherwise = charged(self._step(loop, node.args[2], accu))

            def choose(frame: Frame) -> Any:
                found = condition(frame)
                if found.__class__ is not bool:
                    raise no_overload()
                return then(frame) if found else otherwise(frame)

            return choose, cost
        if not (isinstance(node, Call) and node.args and self._is_accu(node.args[0], loop)):
            return self.piece(node)
        if node.function == "_+_" and isinstance(loop.accu_init, ListExpr) and isinstance(node.args[1], ListExpr):
            added, cost = self.piece(node.args[1])
            return append(accu, added), cost + costs.SELECT + 1
        if node.function == "cel.@mapInsert":
            pieces = [self.piece(arg) for arg in node.args[1:]]
            return insert(accu, [code for code, _ in pieces]), sum(cost for _, cost in pieces) + costs.SELECT + 1
        return self.piece(node)

    def _is_accu(self, node: Node, loop: Comprehension) -> bool:
        return isinstance(node, Ident) and node.name == loop.accu_var


def _deciding(node: Comprehension) -> bool | None:
    """The value of the predicate that ends the loop, for `all` and `exists`; None for other loops."""
    init, step, result = node.accu_init, node.step, node.result
    if not (isinstance(init, Literal) and isinstance(step, Call) and isinstance(result, Ident)):
        return None
    wanted = {"_&&_": True, "_||_": False}.get(step.function)
    if wanted is None or init.value is not wanted or node.accu_var != RESULT or result.name != RESULT:
        return None
    first = step.args[0]
    return not wanted if isinstance(first, Ident) and first.name == RESULT else None


def _never_stops(node: Comprehension) -> bool:
    return isinstance(node.condition, Literal) and node.condition.value is True


_VISITORS: Final[Mapping[type, Callable[..., Piece]]] = {
    Literal: _Compiler._literal, Ident: _Compiler._ident, Select: _Compiler._select, Call: _Compiler._call,
    ListExpr: _Compiler._list, MapExpr: _Compiler._map, StructExpr: _Compiler._struct,
    Comprehension: _Compiler._comprehension,
}  # fmt: skip
_SPECIAL: Final[Mapping[str, Callable[..., Piece]]] = {
    "_&&_": _Compiler._and, "_||_": _Compiler._or, "_?_:_": _Compiler._conditional,
    "_?._": _Compiler._optional_select, "@not_strictly_false": _Compiler._not_strictly_false,
}  # fmt: skip
