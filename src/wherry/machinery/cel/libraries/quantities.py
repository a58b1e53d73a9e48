"""Quantities such as `100m` and `1Gi`. Source: k8s.io/apiserver/pkg/cel/library/quantity.go."""

from __future__ import annotations

from typing import Any

from wherry.machinery import quantity as quantities
from wherry.machinery.cel.functions import Library, library
from wherry.machinery.cel.types import BOOL, DOUBLE, INT, STRING, Type, opaque
from wherry.machinery.cel.values import MAX_INT, MIN_INT, NANO, EvaluationError, Opaque

QUANTITY_TYPE: Type = opaque("kubernetes.Quantity")


class QuantityValue(Opaque):
    __slots__ = ("quantity",)
    cel_type = QUANTITY_TYPE

    def __init__(self, quantity: quantities.Quantity) -> None:
        self.quantity = quantity

    def same(self, other: Any) -> bool:
        return isinstance(other, QuantityValue) and self.quantity == other.quantity


def quantity(text: str) -> QuantityValue:
    """Raises `EvaluationError`."""
    try:
        return QuantityValue(quantities.parse(text))
    except quantities.QuantityError as error:
        raise EvaluationError(str(error)) from error


def _is_quantity(text: str) -> bool:
    try:
        quantities.parse(text)
    except quantities.QuantityError:
        return False
    return True


def _is_integer(value: QuantityValue) -> bool:
    nanos = value.quantity.nanos
    return not nanos % NANO and MIN_INT <= nanos // NANO <= MAX_INT


def _as_integer(value: QuantityValue) -> int:
    if not _is_integer(value):
        raise EvaluationError("cannot convert value to integer")
    return value.quantity.nanos // NANO


def _compare(a: QuantityValue, b: QuantityValue) -> int:
    return (a.quantity.nanos > b.quantity.nanos) - (a.quantity.nanos < b.quantity.nanos)


def _added(sign: int) -> Any:
    def run(a: QuantityValue, b: Any) -> QuantityValue:
        other = quantities.Quantity(b * NANO) if isinstance(b, int) else b.quantity
        return QuantityValue(a.quantity + other if sign > 0 else a.quantity - other)

    return run


_Q = QUANTITY_TYPE
LIBRARY: Library = library(
    globals_=[
        ("quantity", "string_to_quantity", (STRING,), _Q, quantity),
        ("isQuantity", "is_quantity_string", (STRING,), BOOL, _is_quantity),
    ],
    members=[
        ("sign", "quantity_sign", (_Q,), INT, lambda q: (q.quantity.nanos > 0) - (q.quantity.nanos < 0)),
        ("isGreaterThan", "quantity_is_greater_than", (_Q, _Q), BOOL, lambda a, b: _compare(a, b) > 0),
        ("isLessThan", "quantity_is_less_than", (_Q, _Q), BOOL, lambda a, b: _compare(a, b) < 0),
        ("compareTo", "quantity_compare_to", (_Q, _Q), INT, _compare),
        ("asApproximateFloat", "quantity_get_float", (_Q,), DOUBLE, lambda q: q.quantity.nanos / NANO),
        ("asInteger", "quantity_get_int", (_Q,), INT, _as_integer),
        ("isInteger", "quantity_is_integer", (_Q,), BOOL, _is_integer),
        ("add", "quantity_add", (_Q, _Q), _Q, _added(1)),
        ("add", "quantity_add_int", (_Q, INT), _Q, _added(1)),
        ("sub", "quantity_sub", (_Q, _Q), _Q, _added(-1)),
        ("sub", "quantity_sub_int", (_Q, INT), _Q, _added(-1)),
    ],
    types={"kubernetes.Quantity": QUANTITY_TYPE},
)
