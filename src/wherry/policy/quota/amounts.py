"""Sums of named quantities, and how they are written in messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wherry.machinery.quantity import ZERO, Quantity

Amounts = Mapping[str, Quantity]


def added(first: Amounts, second: Amounts) -> dict[str, Quantity]:
    return {name: first.get(name, ZERO) + second.get(name, ZERO) for name in (*first, *second)}


def growth(new: Amounts, old: Amounts) -> dict[str, Quantity]:
    """By how much `new` is more; what shrinks is given back only when usage is counted again."""
    grown = {name: amount - old[name] if name in old else amount for name, amount in new.items()}
    return {name: amount for name, amount in grown.items() if amount > ZERO}


def without(amounts: Amounts, taken: Amounts) -> dict[str, Quantity]:
    """What is left, never below zero."""
    return {name: max(amount - taken[name], ZERO) if name in taken else amount for name, amount in amounts.items()}


def only(amounts: Amounts, names: Iterable[str]) -> dict[str, Quantity]:
    return {name: amounts[name] for name in names if name in amounts}


def shown(amounts: Amounts) -> str:
    """`cpu=1,pods=2`."""
    return ",".join(f"{name}={amounts[name]}" for name in sorted(amounts))


def texts(amounts: Amounts) -> dict[str, str]:
    return {name: str(amounts[name]) for name in sorted(amounts)}
