"""Quantities as upstream stores them: canonical, and rounded up to a thousandth where a resource list holds them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from wherry.api.types import Object
from wherry.machinery.quantity import QuantityError, parse


@lru_cache(maxsize=8192)
def canonical(text: str | int | float) -> Any:
    """`1000m` becomes `1`, `0.5` becomes `500m`; what is no quantity stays as it is, for validation to refuse."""
    try:
        return str(parse(text))
    except QuantityError:
        return text


@lru_cache(maxsize=8192)
def _rounded(text: str | int | float) -> Any:
    try:
        return str(parse(text).round_milli())
    except QuantityError:
        return text


def resource_list(quantities: Object) -> None:
    """Every value of a map from resource name to quantity, in place."""
    for name, value in quantities.items():
        quantities[name] = _rounded(value)


def field(obj: dict[str, Any], key: str) -> None:
    """One quantity field, in place."""
    value = obj.get(key)
    if value is not None:
        obj[key] = canonical(value)
