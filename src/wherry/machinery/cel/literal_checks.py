"""What can be seen to be wrong before anything runs: patterns, durations and times given as literals.

Source: cel-go `cel/validator.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from wherry.machinery.cel.ast import Call, Comprehension, ListExpr, Literal, MapExpr, Node, Select, StructExpr
from wherry.machinery.cel.libraries.conversions import matches
from wherry.machinery.cel.libraries.times import parse_duration, parse_timestamp
from wherry.machinery.cel.source import Issue
from wherry.machinery.cel.values import EvaluationError

_CHECKS: Final[Mapping[str, Callable[[str], Any]]] = {
    "duration": parse_duration,
    "timestamp": parse_timestamp,
    "matches": lambda pattern: matches("", pattern),
}


def check_literals(tree: Node) -> list[Issue]:
    """Calls whose literal argument can only fail."""
    return [
        Issue(node.args[-1].pos, f"invalid {node.function} argument")
        for node in walk(tree)
        if isinstance(node, Call) and node.function in _CHECKS and node.args and not _good(node.function, node.args[-1])
    ]


def _good(function: str, argument: Node) -> bool:
    if not (isinstance(argument, Literal) and isinstance(argument.value, str)):
        return True
    try:
        _CHECKS[function](argument.value)
    except EvaluationError:
        return False
    return True


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, each once."""
    todo, seen = [node], set()
    while todo:
        found = todo.pop()
        if id(found) not in seen:
            seen.add(id(found))
            yield found
            todo += children(found)


def children(node: Node) -> list[Node]:
    if isinstance(node, Select):
        return [node.operand]
    if isinstance(node, Call):
        return ([node.target] if node.target is not None else []) + node.args
    if isinstance(node, ListExpr):
        return node.items
    if isinstance(node, MapExpr):
        return [part for entry in node.entries for part in (entry.key, entry.value)]
    if isinstance(node, StructExpr):
        return [entry.value for entry in node.fields]
    if isinstance(node, Comprehension):
        return [node.iter_range, node.accu_init, node.condition, node.step, node.result]
    return []
