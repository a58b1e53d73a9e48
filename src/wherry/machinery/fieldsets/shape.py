"""The shape of objects, as far as ownership of fields goes: which maps and lists are one field, what tells items apart.

A shape also makes the sets of what a write added, since every create needs one: what was worked out for the same keys
before is looked up, so that objects that look alike share one set. Source: sigs.k8s.io/structured-merge-diff/v6/schema.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, Final, TypeVar

from wherry.machinery.fieldsets.elements import DOT, in_order, of_keys, of_value
from wherry.machinery.fieldsets.sets import LEAF, Tree

ATOMIC: Final = "atomic"
SET: Final = "set"
MAP: Final = "map"
_MOST_KEPT = 2048
"""How many results a shape remembers; keys can be the users' own."""

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
Make = Callable[[Any], Tree | None]
Plan = tuple[tuple[str, Make], ...]


_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "numeric": (int, float),
    "boolean": (bool,),
    "untyped": (str, int, float, bool),
}


class ItemError(ValueError):
    """An item of a list cannot be told from the others; the message is upstream's."""


class Scalar:
    """A value without parts. `kind` is string, numeric, boolean or untyped (any of them)."""

    __slots__ = ("kind", "types")

    def __init__(self, kind: str = "untyped") -> None:
        self.kind = kind
        self.types = _TYPES[kind]
        """What JSON gives for it."""

    def added(self, value: Any) -> Tree:
        return LEAF

    applied = added


class Map:
    """A struct or a map: `fields` by name, `rest` for keys of any other name (None: there are none).

    `embedded` names the structs that are always there, so that nobody owns the place itself; `required` what a new
    object has as null or zero before anybody sets it; `hidden` what nobody can own.
    """

    __slots__ = (
        "_added", "_applied", "_applying", "_fields", "_filled", "_filling", "_load", "_plans", "atomic", "embedded", "hidden", "required", "rest",
    )  # fmt: skip

    def __init__(
        self,
        load: Callable[[], Mapping[str, Node]],
        *,
        rest: Node | None = None,
        atomic: bool = False,
        embedded: frozenset[str] = frozenset(),
        required: frozenset[str] = frozenset(),
        hidden: frozenset[str] = frozenset(),
    ) -> None:
        self._load = load
        self._fields: Mapping[str, Node] | None = None
        self.rest = rest
        self.atomic = atomic
        self.embedded = embedded
        self.required = required
        self.hidden = hidden
        self._plans: dict[tuple[str, ...], Plan] = {}
        self._filling: dict[tuple[str, ...], Plan] = {}
        self._added: dict[tuple[Any, ...], Tree] = {}
        self._filled: dict[tuple[Any, ...], Tree | None] = {}
        self._applying: dict[tuple[str, ...], Plan] = {}
        self._applied: dict[tuple[Any, ...], Tree | None] = {}

    @property
    def fields(self) -> Mapping[str, Node]:
        if self._fields is None:
            self._fields = self._load()
        return self._fields

    def at(self, key: str) -> Node | None:
        return self.fields.get(key) or self.rest

    def added(self, value: Any) -> Tree:
        """The set of a value that was not there before, seen from its place."""
        if self.atomic or not value or value.__class__ is not dict:
            return LEAF
        keys = tuple(value)
        plan = self._plans.get(keys)
        if plan is None:
            plan = _remember(self._plans, keys, self._plan(keys))
        parts = [make(value[key]) for key, make in plan]
        # A tree holds its parts, so that their identity stays theirs for as long as the tree is remembered.
        identity = (keys, *map(id, parts))
        tree = self._added.get(identity)
        if tree is None:
            tree = _remember(self._added, identity, self._tree(keys, plan, parts, place=True))
        return tree

    def filled(self, value: Any) -> Tree | None:
        """What the maker of a new object owns of a struct that is always there; None for nothing."""
        if not value or value.__class__ is not dict:
            return None
        if self.atomic:
            return LEAF
        keys = tuple(value)
        plan = self._filling.get(keys)
        if plan is None:
            plan = _remember(self._filling, keys, self._filling_plan(keys))
        parts = [make(value[key]) for key, make in plan]
        identity = (keys, *map(id, parts))
        if identity not in self._filled:
            _remember(self._filled, identity, self._tree(keys, plan, parts, place=False) or None)
        return self._filled[identity]

    def applied(self, value: Any) -> Tree | None:
        """What a configuration with this value owns, seen from its place; None for nothing."""
        if self.atomic or not value:
            return LEAF
        if value.__class__ is not dict:
            return None
        keys = tuple(value)
        plan = self._applying.get(keys)
        if plan is None:
            plan = _remember(self._applying, keys, self._applying_plan(keys))
        parts = [make(value[key]) for key, make in plan]
        identity = (keys, *map(id, parts))
        if identity not in self._applied:
            known = tuple(key for key in keys if self.at(key) is not None)
            _remember(self._applied, identity, self._tree(known, plan, parts, place=False, hide=False) or None)
        return self._applied[identity]

    def _applying_plan(self, keys: tuple[str, ...]) -> Plan:
        found = ((key, self.at(key)) for key in keys)
        return tuple(
            (key, node.applied if key in self.fields else _placed(node.applied))
            for key, node in found
            if node is not None and not isinstance(node, Scalar)
        )

    def _tree(
        self, keys: tuple[str, ...], plan: Plan, parts: list[Tree | None], *, place: bool, hide: bool = True
    ) -> Tree:
        tree: Tree = {f"f:{key}": LEAF for key in keys if not hide or key not in self.hidden}
        if place:
            tree[DOT] = LEAF
        for (key, _make), part in zip(plan, parts, strict=True):
            if part is None:
                del tree[f"f:{key}"]
            else:
                tree[f"f:{key}"] = part
        return {key: tree[key] for key in in_order(tree)}

    def _plan(self, keys: tuple[str, ...]) -> Plan:
        """The keys whose values have parts, with what makes their sets."""
        found = ((key, self.at(key)) for key in keys if key not in self.hidden)
        return tuple((key, node.added) for key, node in found if node is not None and not isinstance(node, Scalar))

    def _filling_plan(self, keys: tuple[str, ...]) -> Plan:
        found = ((key, self.at(key)) for key in keys if key not in self.hidden)
        plans = ((key, self._filler(key, node)) for key, node in found if node is not None)
        return tuple((key, make) for key, make in plans if make is not None)

    def _filler(self, key: str, node: Node) -> Make | None:
        if key in self.embedded and isinstance(node, Map):
            return node.filled
        if isinstance(node, Scalar):
            return _unless_zero if key in self.required else None
        return _placeless(node.added) if key in self.required else node.added


class List:
    """A list: one field (`atomic`), a `set` of scalars, or a `map` whose items are told apart by their `keys`."""

    __slots__ = ("_added", "_applied", "_elements", "_item", "defaults", "item", "keys", "kind")

    def __init__(
        self, item: Node, kind: str, keys: tuple[str, ...] = (), defaults: Mapping[str, Any] | None = None
    ) -> None:
        self.item = item
        self.kind = kind
        self.keys = keys
        self.defaults = defaults or {}
        self._elements: dict[tuple[Any, ...], str] = {}
        self._applied: dict[tuple[Any, ...], Tree] = {}
        self._item = _placed(item.applied)
        self._added: dict[tuple[Any, ...], Tree] = {}

    def element(self, item: Any) -> str:
        """The path element of an item. Raises `ItemError`."""
        if self.kind == SET:
            return _set_element(item)
        if item.__class__ is not dict:
            what = "a null element" if item is None else "non-map elements"
            raise ItemError(f"associative list with keys may not have {what}")
        values = tuple([item.get(key) for key in self.keys])
        try:
            identity = (*values, *map(type, values))
            found = self._elements.get(identity)
        except TypeError:
            return self._key_element(item)
        return found if found is not None else _remember(self._elements, identity, self._key_element(item))

    def _key_element(self, item: Mapping[str, Any]) -> str:
        values = {key: item[key] if key in item else self.defaults.get(key) for key in self.keys}
        present = {key: value for key, value in values.items() if key in item or value is not None}
        if not present:
            names = "[" + " ".join(f'"{key}"' for key in self.keys) + "]"
            raise ItemError(
                f"associative list with keys has an element that omits all key fields {names}"
                " (and doesn't have default values for any key fields)"
            )
        return of_keys(present)

    def added(self, value: Any) -> Tree:
        """The set of a list that was not there before, seen from its place."""
        if self.kind == ATOMIC or not value or value.__class__ is not list:
            return LEAF
        elements = [self.element(item) for item in value]
        parts = [LEAF] * len(value) if self.kind == SET else [self.item.added(item) for item in value]
        identity = (*elements, *map(id, parts))
        tree = self._added.get(identity)
        if tree is None:
            tree = _remember(self._added, identity, _tree_of_items(elements, parts))
        return tree

    def applied(self, value: Any) -> Tree | None:
        """What a configuration with this list owns, seen from its place; None for nothing."""
        if self.kind == ATOMIC or value is None:
            return LEAF
        if not value or value.__class__ is not list:
            return None
        elements = [self.element(item) for item in value]
        parts = [LEAF] * len(value) if self.kind == SET else [self._item(item) for item in value]
        identity = (*elements, *map(id, parts))
        tree = self._applied.get(identity)
        if tree is None:
            made = _tree_of_items(elements, parts)
            tree = _remember(self._applied, identity, {key: node for key, node in made.items() if key != DOT})
        return tree


class Open:
    """Anything. Where it is `deduced`, a map in it has fields of its own; else all of it is one field."""

    __slots__ = ("list", "map", "scalar")

    def __init__(self, *, deduced: bool) -> None:
        self.scalar = Scalar()
        self.list = List(self, ATOMIC)
        self.map = Map(dict, rest=self, atomic=not deduced)

    def added(self, value: Any) -> Tree:
        return self.map.added(value)

    def applied(self, value: Any) -> Tree | None:
        return self.map.applied(value) if value.__class__ is dict else LEAF


Node = Scalar | Map | List | Open


def settle(node: Node, value: Any) -> Scalar | Map | List:
    """What a place is, given what stands there."""
    if not isinstance(node, Open):
        return node
    if value.__class__ is dict:
        return node.map
    return node.list if value.__class__ is list else node.scalar if value is not None else node.map


def _set_element(item: Any) -> str:
    if item is None:
        raise ItemError("invalid nil list item")
    if isinstance(item, dict):
        raise ItemError("associative list without keys has an element that's a map type")
    if isinstance(item, list):
        raise ItemError("not supported: associative list with lists as elements")
    return of_value(item)


def _tree_of_items(elements: list[str], parts: list[Tree]) -> Tree:
    """An element that several items have is owned as a whole."""
    tree: Tree = {DOT: LEAF}
    for element, part in zip(elements, parts, strict=True):
        tree[element] = LEAF if element in tree else part
    return {key: tree[key] for key in in_order(tree)}


def _unless_zero(value: Any) -> Tree | None:
    return LEAF if value else None


def _placeless(make: Callable[[Any], Tree]) -> Make:
    """What is null in a new object: its parts are added, not the place itself."""
    known: dict[int, tuple[Tree, Tree]] = {}

    def parts(value: Any) -> Tree:
        tree = make(value)
        found = known.get(id(tree))
        if found is None:
            inner = {key: node for key, node in tree.items() if key != DOT} if tree else tree
            found = _remember(known, id(tree), (tree, inner))
        return found[1]

    return parts


def _placed(make: Make) -> Callable[[Any], Tree]:
    """The place itself counts as well."""
    known: dict[int, tuple[Tree, Tree]] = {}

    def with_place(value: Any) -> Tree:
        tree = make(value)
        if not tree:
            return LEAF
        found = known.get(id(tree))
        if found is None:
            found = _remember(known, id(tree), (tree, {DOT: LEAF, **tree}))
        return found[1]

    return with_place


def _remember(cache: dict[Key, Value], key: Key, value: Value) -> Value:
    if len(cache) >= _MOST_KEPT:
        cache.clear()
    cache[key] = value
    return value


DEDUCED: Final = Open(deduced=True)
UNTYPED: Final = Open(deduced=False)
