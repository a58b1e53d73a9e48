"""Types for every node of a tree, and what names and calls refer to; or all that is wrong.

Source: cel-go `checker/checker.go` and its error texts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

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
    qualified_name,
)
from wherry.machinery.cel.functions import Functions, Overload
from wherry.machinery.cel.source import Issue
from wherry.machinery.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DYN,
    ERROR,
    INT,
    NULL,
    STRING,
    UINT,
    Kind,
    Type,
    is_dyn,
    is_optional,
    list_of,
    map_of,
    optional_of,
    type_of,
)
from wherry.machinery.cel.unification import Substitution, less_specific, renamed
from wherry.machinery.cel.values import Uint

_LITERALS: Mapping[type, Type] = {
    bool: BOOL, int: INT, Uint: UINT, float: DOUBLE, str: STRING, bytes: BYTES, type(None): NULL,
}  # fmt: skip
FindType = Callable[[str], Type | None]


@dataclass(slots=True)
class Checked:
    """What the checker found out. `names` holds identifiers and qualified names, `overloads` the candidates of calls."""

    types: dict[Node, Type] = field(default_factory=dict)
    names: dict[Node, str] = field(default_factory=dict)
    overloads: dict[Node, tuple[Overload, ...]] = field(default_factory=dict)
    functions: dict[Node, str] = field(default_factory=dict)
    """The full name of a called function, and that it is called without a target, where that looked like a member call."""


def check(
    tree: Node, *, variables: Mapping[str, Type], functions: Functions, find_type: FindType
) -> tuple[Checked, list[Issue]]:
    """The types of a tree; with issues, if there are any, they cannot be relied on."""
    checker = _Checker(variables, functions, find_type)
    checker.visit(tree)
    types = checker.found.types
    for node, type_ in types.items():
        types[node] = checker.substitution.apply(type_, to_dyn=True)
    return checker.found, checker.issues


class _Checker:
    def __init__(self, variables: Mapping[str, Type], functions: Functions, find_type: FindType) -> None:
        self._scopes: list[dict[str, Type]] = []
        self._variables = variables
        self._functions = functions
        self._find_type = find_type
        self.substitution = Substitution()
        self.found = Checked()
        self.issues: list[Issue] = []

    def visit(self, node: Node) -> Type:
        type_ = _VISITORS[node.__class__](self, node)
        self.found.types[node] = type_
        return type_

    def _wrong(self, pos: int, message: str) -> Type:
        self.issues.append(Issue(pos, message))
        return ERROR

    def _shown(self, type_: Type) -> Type:
        return self.substitution.apply(type_)

    def _undeclared(self, pos: int, name: str) -> Type:
        return self._wrong(pos, f"undeclared reference to '{name}' (in container '')")

    # -- names

    def _lookup(self, name: str) -> Type | None:
        if name.startswith("."):
            name = name[1:]
        else:
            for scope in reversed(self._scopes):
                if (local := scope.get(name)) is not None:
                    return local
        if (variable := self._variables.get(name)) is not None:
            return variable
        named = self._find_type(name)
        return type_of(named) if named is not None else None

    def _literal(self, node: Literal) -> Type:
        return _LITERALS[node.value.__class__]

    def _ident(self, node: Ident) -> Type:
        if (found := self._lookup(node.name)) is None:
            return self._undeclared(node.pos, node.name)
        self.found.names[node] = node.name
        return found

    def _select(self, node: Select) -> Type:
        name = qualified_name(node)
        if name is not None and (found := self._lookup(name)) is not None and not self._is_local(name):
            self.found.names[node] = name
            return found
        result = self._field(node.pos, self.visit(node.operand), node.name)
        return BOOL if node.test_only else result

    def _is_local(self, name: str) -> bool:
        first = name.partition(".")[0]
        return any(first in scope for scope in self._scopes)

    def _field(self, pos: int, operand: Type, name: str, *, optional: bool = False) -> Type:
        type_ = self.substitution.apply(operand)
        if is_optional(type_):
            inner = self._field_of(pos, self.substitution.apply(type_.params[0]), name)
            return optional_of(inner)
        inner = self._field_of(pos, type_, name)
        return optional_of(inner) if optional else inner

    def _field_of(self, pos: int, type_: Type, name: str) -> Type:
        if type_.kind is Kind.MAP:
            return type_.params[1]
        if type_.kind is Kind.OBJECT:
            found = type_.fields.get(name) if type_.fields is not None else None
            return found if found is not None else self._wrong(pos, f"undefined field '{name}'")
        if type_.kind is Kind.PARAM:
            self.substitution.assignable(type_, DYN)
            return DYN
        if is_dyn(type_):
            return DYN
        self._wrong(pos, f"type '{type_}' does not support field selection")
        return DYN

    # -- calls

    def _call(self, node: Call) -> Type:
        if node.function == "_?._":
            return self._optional_select(node)
        args = [self.visit(arg) for arg in node.args]
        if node.target is None:
            name = node.function.lstrip(".")
            overloads = self._functions.get(name)
            if overloads is None:
                return self._undeclared(node.pos, node.function)
            return self._resolve(node, name, overloads, args, member=False)
        prefix = qualified_name(node.target)
        if prefix is not None and not self._is_local(prefix):
            full = f"{prefix.lstrip('.')}.{node.function}"
            if (overloads := self._functions.get(full)) is not None:
                self.found.functions[node] = full
                return self._resolve(node, full, overloads, args, member=False)
        target = self.visit(node.target)
        overloads = self._functions.get(node.function)
        if overloads is None:
            return self._undeclared(node.pos, node.function)
        return self._resolve(node, node.function, overloads, [target, *args], member=True)

    def _optional_select(self, node: Call) -> Type:
        operand = self.visit(node.args[0])
        self.visit(node.args[1])
        name = node.args[1]
        assert isinstance(name, Literal)
        return self._field(node.pos, operand, str(name.value), optional=True)

    def _resolve(
        self, node: Call, name: str, overloads: tuple[Overload, ...], args: list[Type], *, member: bool
    ) -> Type:
        fitting: list[Overload] = []
        result: Type | None = None
        for overload in overloads:
            if overload.member is not member or len(overload.args) != len(args):
                continue
            wanted, gives = self._instance(overload)
            if not self.substitution.assignable_all(wanted, args):
                continue
            fitting.append(overload)
            found = self.substitution.apply(gives)
            if result is None:
                result = found
            elif not is_dyn(result) and found != result:
                result = DYN
        if result is None:
            shown = [str(self.substitution.apply(each, to_dyn=True)) for each in args]
            signature = f"{shown[0]}.({', '.join(shown[1:])})" if member else f"({', '.join(shown)})"
            return self._wrong(node.pos, f"found no matching overload for '{name}' applied to '{signature}'")
        self.found.overloads[node] = tuple(fitting)
        return result

    def _instance(self, overload: Overload) -> tuple[tuple[Type, ...], Type]:
        """The signature with parameters of its own."""
        names = {param: self.substitution.fresh() for each in overload.args for param in _params(each)}
        if not names:
            return overload.args, overload.result
        return tuple(renamed(each, names) for each in overload.args), renamed(overload.result, names)

    # -- aggregates

    def _joined(self, pos: int, before: Type | None, found: Type) -> Type:
        if before is None:
            return found
        if self.substitution.assignable(before, found):
            return before if less_specific(before, found) else found
        return self._mismatch(pos, before, found)

    def _mismatch(self, pos: int, wanted: Type, found: Type) -> Type:
        return self._wrong(pos, f"expected type '{self._shown(wanted)}' but found '{self._shown(found)}'")

    def _unwrapped(self, pos: int, type_: Type) -> Type:
        type_ = self.substitution.apply(type_)
        if is_optional(type_):
            return type_.params[0]
        return type_ if is_dyn(type_) else self._mismatch(pos, optional_of(type_), type_)

    def _list(self, node: ListExpr) -> Type:
        inner: Type | None = None
        for index, item in enumerate(node.items):
            found = self.visit(item)
            if index in node.optional:
                found = self._unwrapped(item.pos, found)
            inner = self._joined(item.pos, inner, found)
        return list_of(inner or self.substitution.fresh())

    def _map(self, node: MapExpr) -> Type:
        key: Type | None = None
        value: Type | None = None
        for entry in node.entries:
            key = self._joined(entry.key.pos, key, self.visit(entry.key))
            found = self.visit(entry.value)
            if entry.optional:
                found = self._unwrapped(entry.value.pos, found)
            value = self._joined(entry.value.pos, value, found)
        return map_of(key or self.substitution.fresh(), value or self.substitution.fresh())

    def _struct(self, node: StructExpr) -> Type:
        name = node.type_name.lstrip(".")
        made = self._find_type(name)
        if made is None:
            known = self._variables.get(name)
            made = self._wrong(node.pos, f"'{name}' is not a type") if known else self._undeclared(node.pos, name)
        elif made.kind is not Kind.OBJECT:
            made = self._wrong(node.pos, f"'{name}' is not a message type")
        for entry in node.fields:
            found = self.visit(entry.value)
            if entry.optional:
                found = self._unwrapped(entry.value.pos, found)
            wanted = self._field_of(entry.pos, made, entry.name)
            if not self.substitution.assignable(wanted, found):
                text = f"expected type of field '{entry.name}' is '{self._shown(wanted)}' but provided type is '{self._shown(found)}'"
                self._wrong(entry.pos, text)
        self.found.names[node] = name
        return made

    # -- loops

    def _comprehension(self, node: Comprehension) -> Type:
        around = self.visit(node.iter_range)
        accu = self.visit(node.accu_init)
        first, second = self._loop_types(node, self.substitution.apply(around))
        self._scopes.append({node.accu_var: accu})
        inner = {node.iter_var: first}
        if node.iter_var2:
            inner[node.iter_var2] = second
        self._scopes.append(inner)
        self._expect(node.condition, BOOL)
        self._expect(node.step, accu)
        self._scopes.pop()
        result = self.visit(node.result)
        self._scopes.pop()
        return self.substitution.apply(result)

    def _loop_types(self, node: Comprehension, around: Type) -> tuple[Type, Type]:
        if around.kind is Kind.LIST:
            return (INT, around.params[0]) if node.iter_var2 else (around.params[0], DYN)
        if around.kind is Kind.MAP:
            return around.params[0], around.params[1]
        if around.kind is Kind.PARAM:
            self.substitution.assignable(DYN, around)
        elif not is_dyn(around):
            text = f"expression of type '{around}' cannot be range of a comprehension (must be list, map, or dynamic)"
            return self._wrong(node.iter_range.pos, text), ERROR
        return DYN, DYN

    def _expect(self, node: Node, wanted: Type) -> None:
        found = self.visit(node)
        if not self.substitution.assignable(wanted, found):
            self._mismatch(node.pos, wanted, found)


def _params(type_: Type) -> list[str]:
    if type_.kind is Kind.PARAM:
        return [type_.name]
    return [name for inner in type_.params for name in _params(inner)]


_VISITORS: Mapping[type, Callable[..., Type]] = {
    Literal: _Checker._literal, Ident: _Checker._ident, Select: _Checker._select, Call: _Checker._call,
    ListExpr: _Checker._list, MapExpr: _Checker._map, StructExpr: _Checker._struct,
    Comprehension: _Checker._comprehension,
}  # fmt: skip
