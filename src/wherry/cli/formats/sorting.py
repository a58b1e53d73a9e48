"""`--sort-by`: numbers and quantities by their value, text in natural order, objects without the field first."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from wherry.cli.errors import Refused
from wherry.machinery.jsonpath import JsonPathError, compile_template, relaxed
from wherry.machinery.quantity import QuantityError, parse

T = TypeVar("T")
_CHUNKS = re.compile(r"([0-9]+)|([^0-9]+)")


def by_path(items: Sequence[T], expression: str, data: Callable[[T], Any]) -> list[T]:
    """The items in order. Raises `Refused` for an expression that is none or that no item has."""
    try:
        path = compile_template(relaxed(expression))
        values = [path.values(data(item)) for item in items]
    except JsonPathError as error:
        raise Refused(str(error)) from error
    if items and not any(values):
        raise Refused(f'couldn\'t find any field with path "{relaxed(expression)}" in the list of objects')
    found = [value[0] for value in values if value]
    rank = _rank_of(found)
    keys = [(1, rank(value[0])) if value else (0, rank(None)) for value in values]
    return [items[index] for index in sorted(range(len(items)), key=lambda index: keys[index])]


def _rank_of(values: Sequence[Any]) -> Callable[[Any], Any]:
    """How to compare these: as numbers, as quantities, or as text."""
    if all(isinstance(value, int | float) for value in values):
        return lambda value: value if value is not None else 0
    if all(isinstance(value, str) for value in values) and all(map(_is_quantity, values)):
        return lambda value: parse(value if value is not None else 0)
    return lambda value: _natural(value if isinstance(value, str) else "" if value is None else str(value))


def _is_quantity(text: str) -> bool:
    try:
        parse(text)
    except QuantityError:
        return False
    return True


def _natural(text: str) -> list[tuple[int, int, str]]:
    """Runs of digits compare as numbers, and come before letters."""
    return [(0, int(digits), digits) if digits else (1, 0, other) for digits, other in _CHUNKS.findall(text)]
