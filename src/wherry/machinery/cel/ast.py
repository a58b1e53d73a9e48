"""The tree that an expression is parsed into. Macros are expanded while parsing, so there are only these seven nodes.

`pos` is the offset (in characters) that errors point at: of the operator, the dot, the opening bracket or the name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, eq=False)
class Node:
    pos: int


@dataclass(slots=True, eq=False)
class Literal(Node):
    value: Any


@dataclass(slots=True, eq=False)
class Ident(Node):
    name: str


@dataclass(slots=True, eq=False)
class Select(Node):
    operand: Node
    name: str
    test_only: bool = False
    """Made by `has()`."""


@dataclass(slots=True, eq=False)
class Call(Node):
    function: str
    args: list[Node]
    target: Node | None = None


@dataclass(slots=True, eq=False)
class ListExpr(Node):
    items: list[Node]
    optional: frozenset[int] = frozenset()
    """The places of items written as `?item`."""


@dataclass(slots=True, eq=False)
class Entry:
    pos: int
    key: Node
    value: Node
    optional: bool = False


@dataclass(slots=True, eq=False)
class MapExpr(Node):
    entries: list[Entry]


@dataclass(slots=True, eq=False)
class FieldEntry:
    pos: int
    name: str
    value: Node
    optional: bool = False


@dataclass(slots=True, eq=False)
class StructExpr(Node):
    type_name: str
    fields: list[FieldEntry]


@dataclass(slots=True, eq=False)
class Comprehension(Node):
    """A fold: the one loop there is. `macro` and `macro_args` say from which call it came, for printing."""

    iter_range: Node
    iter_var: str
    iter_var2: str
    accu_var: str
    accu_init: Node
    condition: Node
    step: Node
    result: Node
    macro: Call | None = field(default=None, repr=False)


RESULT = "@result"
"""The accumulator of the macros that loop; no expression can name it."""


def qualified_name(node: Node | None) -> str | None:
    """`a.b.c` for a chain of selections from a name, None for anything else."""
    parts: list[str] = []
    while isinstance(node, Select) and not node.test_only:
        parts.append(node.name)
        node = node.operand
    if not isinstance(node, Ident):
        return None
    parts.append(node.name)
    return ".".join(reversed(parts))


def is_bind(node: Comprehension) -> bool:
    """Whether a comprehension is `cel.bind` or its kin: a name for a value, and no loop."""
    return (
        isinstance(node.iter_range, ListExpr)
        and not node.iter_range.items
        and isinstance(node.condition, Literal)
        and node.condition.value is False
        and node.accu_var != RESULT
    )
