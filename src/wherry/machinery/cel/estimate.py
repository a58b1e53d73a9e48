"""What a program costs at most, before it runs: definitions whose rules could cost too much are refused.

Sizes come from the types of variables (`Type.max_size`), followed along the path of a value: `self.list[0].name`.
Source: cel-go `checker/cost.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
from wherry.machinery.cel.bounds import EMPTY, ONE, UNKNOWN, ZERO, Bounds, exactly
from wherry.machinery.cel.call_costs import CallCost, Sized, call_cost
from wherry.machinery.cel.checker import Checked
from wherry.machinery.cel.types import DYN, Kind, Type, is_optional

Path = tuple[str, ...]
_SCALARS: Final = frozenset({Kind.BOOL, Kind.DOUBLE, Kind.DURATION, Kind.INT, Kind.TIMESTAMP, Kind.UINT})


@dataclass(frozen=True, slots=True)
class _Entry:
    """What is known of the keys and values of a list or map."""

    kind: Kind
    key: Bounds
    value: Bounds

    def __or__(self, other: _Entry) -> _Entry:
        return _Entry(self.kind, self.key | other.key, self.value | other.value)


@dataclass(frozen=True, slots=True)
class _Local:
    path: Path | None
    size: Bounds | None = None
    entry: _Entry | None = None


def estimate_cost(tree: Node, checked: Checked, variables: Mapping[str, Type]) -> Bounds:
    """The least and the greatest cost of one evaluation."""
    return _Estimator(checked, variables).cost(tree)


class _Estimator:
    def __init__(self, checked: Checked, variables: Mapping[str, Type]) -> None:
        self._checked = checked
        self._variables = variables
        self._locals: dict[str, list[_Local]] = {}
        self._paths: dict[Node, Path | None] = {}
        self._sizes: dict[Node, Bounds] = {}
        self._entries: dict[Node, _Entry] = {}

    def cost(self, node: Node) -> Bounds:
        return _VISITORS[node.__class__](self, node)

    # -- what is known of a node

    def _type(self, node: Node) -> Type:
        return self._checked.types.get(node, DYN)

    def _local(self, name: str) -> _Local | None:
        found = self._locals.get(name)
        return found[-1] if found else None

    def _path(self, node: Node) -> Path | None:
        if isinstance(node, Ident) and (local := self._local(node.name)) is not None:
            return local.path
        return self._paths.get(node)

    def _below(self, node: Node, step: str) -> Path | None:
        path = self._path(node)
        return (*path, step) if path else (step,)

    def _size(self, node: Node) -> Bounds | None:
        if (known := self._sizes.get(node)) is not None:
            return known
        if (written := _written_size(node)) is not None:
            return written
        if (declared := self._declared(self._path(node))) is not None:
            self._sizes[node] = declared
            return declared
        type_ = self._type(node)
        if type_.kind in _SCALARS or (is_optional(type_) and type_.params[0].kind in _SCALARS):
            return ONE
        if isinstance(node, Ident) and (local := self._local(node.name)) is not None:
            return local.size
        return None

    def _declared(self, path: Path | None) -> Bounds | None:
        if not path:
            return None
        # A path without a variable (the items of a computed list) starts, as upstream has it, at the root object.
        found = self._variables.get(path[0]) or self._variables.get("self")
        if found is not None and is_optional(found):
            found = found.params[0]
        for step in path[1:]:
            found = _inner(found, step) if found is not None else None
        return None if found is None or found.max_size is None else Bounds(0, found.max_size)

    def _size_or_unknown(self, node: Node) -> Bounds:
        size = self._size(node)
        return UNKNOWN if size is None else size

    def _entry(self, node: Node) -> _Entry | None:
        if (known := self._entries.get(node)) is not None:
            return known
        if isinstance(node, Ident) and (local := self._local(node.name)) is not None:
            return local.entry
        return None

    def _sized(self, node: Node) -> Sized:
        path = self._path(node)
        if path and path[0] == RESULT:
            path = None
        item = self._declared((*path, "@items")) if path else None
        return Sized(self._type(node), self._size_or_unknown(node), UNKNOWN if item is None else item)

    # -- nodes

    def _literal(self, node: Literal) -> Bounds:
        return ZERO

    def _ident(self, node: Ident) -> Bounds:
        local = self._local(node.name)
        self._paths[node] = local.path if local is not None else (node.name.lstrip("."),)
        return ONE

    def _select(self, node: Select) -> Bounds:
        if node in self._checked.names:
            return ONE
        cost = self.cost(node.operand)
        if node.test_only:
            return cost
        if self._type(node.operand).kind in (Kind.MAP, Kind.OBJECT, Kind.PARAM):
            cost += ONE
        self._paths[node] = self._below(node.operand, node.name)
        return cost

    def _call(self, node: Call) -> Bounds:
        if node.function == "dyn" and node.target is None:
            cost = ONE + self.cost(node.args[0])
            self._copy(node, node.args[0])
            return cost
        costs_of_args = [self.cost(arg) for arg in node.args]
        overloads = self._checked.overloads.get(node, ())
        if node.function == "_?._":
            return costs_of_args[0] + ONE
        total, target = ZERO, None
        function = self._checked.functions.get(node, node.function)
        if node.target is not None and node not in self._checked.functions:
            total = self.cost(node.target)
            target = self._sized(node.target)
        fitting = [self._one(node, function, each.id, target, costs_of_args) for each in overloads]
        if not fitting:
            return ZERO
        found = EMPTY
        size: Bounds | None = None
        for each in fitting:
            found |= each.cost
            if each.size is not None:
                size = each.size if size is None else size | each.size
        self._indexed(node, size)
        return total + found

    def _indexed(self, node: Call, size: Bounds | None) -> None:
        """Where an item of a list or map is taken, its path goes on; note the size of the result."""
        if node.function == "_[_]":
            step = "@items" if self._type(node.args[0]).kind is Kind.LIST else "@values"
            entry = self._entry(node.args[0])
            self._paths[node] = self._below(node.args[0], step)
            size = entry.value if entry else None
        size = self._size(node) if size is None else size
        if size is not None:
            self._sizes[node] = size

    def _one(self, node: Call, function: str, overload: str, target: Sized | None, args: list[Bounds]) -> CallCost:
        if overload in ("logical_and", "logical_or"):
            return CallCost(Bounds(args[0].low, (args[0] + args[1]).high))
        if overload == "conditional":
            one, two = self._entry(node.args[1]), self._entry(node.args[2])
            if one and two:
                self._entries[node] = one | two
            size = self._size_or_unknown(node.args[1]) | self._size_or_unknown(node.args[2])
            return CallCost(args[0] + (args[1] | args[2]), size)
        found = call_cost(function, overload, target, [self._sized(arg) for arg in node.args])
        if overload.startswith("add_") and len(node.args) == 2:
            one, two = self._entry(node.args[0]), self._entry(node.args[1])
            if one and two:
                self._entries[node] = one | two
        return CallCost(sum(args, found.cost), found.size)

    def _list(self, node: ListExpr) -> Bounds:
        cost, item = exactly(costs.LIST), EMPTY if node.items else ZERO
        for each in node.items:
            cost += self.cost(each)
            item |= self._size_or_unknown(each)
        self._entries[node] = _Entry(Kind.LIST, ONE, item)
        return cost

    def _map(self, node: MapExpr) -> Bounds:
        cost, key, value = exactly(costs.MAP), *([EMPTY if node.entries else ZERO] * 2)
        for entry in node.entries:
            cost += self.cost(entry.key) + self.cost(entry.value)
            key |= self._size_or_unknown(entry.key)
            value |= self._size_or_unknown(entry.value)
        self._entries[node] = _Entry(Kind.MAP, key, value)
        return cost

    def _struct(self, node: StructExpr) -> Bounds:
        return sum((self.cost(entry.value) for entry in node.fields), exactly(costs.STRUCT))

    # -- loops

    def _comprehension(self, node: Comprehension) -> Bounds:
        cost = self.cost(node.iter_range) + self.cost(node.accu_init)
        local = _Local(self._path(node.accu_init), self._size(node.accu_init), self._entry(node.accu_init))
        self._locals.setdefault(node.accu_var, []).append(local)
        if is_bind(node):
            cost += self.cost(node.result)
            self._locals[node.accu_var].pop()
            self._copy(node, node.result)
            return cost
        names = self._enter(node)
        turn = self.cost(node.condition) + self.cost(node.step)
        for name in names:
            self._locals[name].pop()
        cost += self.cost(node.result)
        self._locals[node.accu_var].pop()
        turns = self._size_or_unknown(node.iter_range)
        self._result_size(node, turns)
        return cost + turns * turn

    def _enter(self, node: Comprehension) -> list[str]:
        """Make the variables of the loop known."""
        entry = self._entry(node.iter_range)
        is_list = (entry.kind if entry else self._type(node.iter_range).kind) is Kind.LIST
        key, value = (entry.key, entry.value) if entry else (None, None)
        keys, values = ("@indices", "@items") if is_list else ("@keys", "@values")
        rows = [(node.iter_var, values if is_list else keys, value if is_list else key)]
        if node.iter_var2:
            rows = [(node.iter_var, keys, key), (node.iter_var2, values, value)]
        for name, step, size in rows:
            self._locals.setdefault(name, []).append(_Local(self._below(node.iter_range, step), size))
        return [name for name, _, _ in rows]

    def _result_size(self, node: Comprehension, turns: Bounds) -> None:
        if isinstance(node.accu_init, Literal):
            self._sizes[node] = _written_size(node.accu_init) or ONE
        elif isinstance(node.accu_init, (ListExpr, MapExpr)):
            self._sizes[node] = turns
            if (entry := self._entry(node.step)) is not None:
                self._entries[node] = entry

    def _copy(self, node: Node, source: Node) -> None:
        if (size := self._size(source)) is not None:
            self._sizes[node] = size
        if (entry := self._entry(source)) is not None:
            self._entries[node] = entry


def _inner(type_: Type, step: str) -> Type | None:
    if step == "@items" and type_.kind is Kind.LIST:
        return type_.params[0]
    if type_.kind is Kind.MAP and step in ("@keys", "@values"):
        return type_.params[step == "@values"]
    if type_.kind in (Kind.OBJECT, Kind.MAP) and type_.fields is not None:
        return type_.fields.get(step)
    return None


def _written_size(node: Node) -> Bounds | None:
    if isinstance(node, Literal):
        return exactly(len(node.value)) if isinstance(node.value, (str, bytes)) else ONE
    if isinstance(node, ListExpr):
        return exactly(len(node.items))
    return exactly(len(node.entries)) if isinstance(node, MapExpr) else None


_VISITORS: Final[Mapping[type, Callable[..., Any]]] = {
    Literal: _Estimator._literal, Ident: _Estimator._ident, Select: _Estimator._select, Call: _Estimator._call,
    ListExpr: _Estimator._list, MapExpr: _Estimator._map, StructExpr: _Estimator._struct,
    Comprehension: _Estimator._comprehension,
}  # fmt: skip
