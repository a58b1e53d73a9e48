"""What calls cost at most, by the sizes of their arguments; for `estimate`.

Source: cel-go `checker/cost.go` (functionCost); k8s.io/apiserver/pkg/cel/library/cost.go (EstimateCallCost). A change here
changes which definitions are accepted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Final

from wherry.machinery.cel.bounds import MOST, ONE, UNKNOWN, Bounds, exactly
from wherry.machinery.cel.costs import CHECK, REGEX, TRAVERSAL
from wherry.machinery.cel.types import Kind, Type


@dataclass(frozen=True, slots=True)
class Sized:
    """An argument: its type and size, and the size of the items where it is a list."""

    type: Type
    size: Bounds
    item: Bounds = UNKNOWN


@dataclass(frozen=True, slots=True)
class CallCost:
    cost: Bounds
    size: Bounds | None = None
    """The size of the result, where it can be told."""


Target = Sized | None
Estimate = Callable[[Target, list[Sized]], CallCost | None]


def _fixed(cost: int) -> Estimate:
    known = CallCost(exactly(cost))
    return lambda target, args: known


def _traversed(factor: float = 1) -> Estimate:
    """Of the only argument."""
    return lambda target, args: CallCost(args[0].size.scaled(factor * TRAVERSAL)) if len(args) == 1 else None


def _target_traversed(target: Target, args: list[Sized]) -> CallCost | None:
    return CallCost(target.size.scaled(TRAVERSAL), target.size) if target else None


def _elements(target: Target, args: list[Sized]) -> CallCost | None:
    if target is None:
        return None
    if not target.type.params:
        return CallCost(target.size.scaled(TRAVERSAL))
    each = ONE
    if target.type.params[0].kind in (Kind.STRING, Kind.BYTES):
        each += target.item.scaled(TRAVERSAL)
    return CallCost(target.size * each)


def _replace(target: Target, args: list[Sized]) -> CallCost | None:
    if target is None or len(args) < 2:
        return None
    size, old, new = target.size, args[0].size, args[1].size
    count_high = kept_high = count_low = kept_low = 0
    if old.low == 0:
        count_high, kept_high = min(size.high + 1, MOST), size.high
    elif new.high <= old.low:
        kept_high = size.high
    else:
        count_high = ceil(size.high / old.low)
    if old.high == 0:
        count_low, kept_low = min(size.low + 1, MOST), size.low
    elif old.high <= new.low:
        kept_low = size.low
    else:
        count_low = ceil(size.low / old.high)
    result = Bounds(count_low, count_high) * new + Bounds(kept_low, kept_high)
    return CallCost(size.scaled(2 * TRAVERSAL), result)


def _split(target: Target, args: list[Sized]) -> CallCost | None:
    return CallCost(target.size.scaled(2 * TRAVERSAL), Bounds(0, target.size.high)) if target else None


def _join(target: Target, args: list[Sized]) -> CallCost | None:
    if target is None:
        return None
    size = target.size * target.item
    if args:
        size += args[0].size * Bounds(max(target.size.low - 1, 0), max(target.size.high - 1, 0))
    return CallCost(size.scaled(TRAVERSAL), size)


def _pattern(target: Target, args: list[Sized]) -> CallCost | None:
    if target is None or not args:
        return None
    cost = (target.size + ONE).scaled(TRAVERSAL) * args[0].size.scaled(REGEX)
    return CallCost(cost, Bounds(0, target.size.high))


def _matches(target: Target, args: list[Sized]) -> CallCost | None:
    found = _pattern(target, args)
    return CallCost(found.cost) if found else None


_ADDRESS: Final = Bounds(4, 16)


def _contains_ip(target: Target, args: list[Sized]) -> CallCost | None:
    if target is None or not args:
        return None
    cost = (_ADDRESS + _ADDRESS).scaled(TRAVERSAL)
    return CallCost(cost + args[0].size.scaled(TRAVERSAL) if args[0].type.kind is Kind.STRING else cost)


def _contains_cidr(target: Target, args: list[Sized]) -> CallCost | None:
    found = _contains_ip(target, args)
    return CallCost(found.cost + _ADDRESS.scaled(TRAVERSAL) + ONE) if found else None


def _set_product(factor: int) -> Estimate:
    def estimate(target: Target, args: list[Sized]) -> CallCost | None:
        return CallCost((args[0].size * args[1].size).scaled(factor) + ONE) if len(args) == 2 else None

    return estimate


_LONGEST_FORMAT: Final = 128


def _validate(target: Target, args: list[Sized]) -> CallCost | None:
    return CallCost(args[0].size.scaled(TRAVERSAL).scaled(_LONGEST_FORMAT * REGEX)) if target else None


def _escape_key(target: Target, args: list[Sized]) -> CallCost | None:
    size = args[0].size
    return CallCost(size.scaled(TRAVERSAL), Bounds(size.low, min(size.high * 2, MOST)))


_NOMINAL = frozenset(
    [
        "serviceAccount",
        "path",
        "group",
        "resource",
        "subresource",
        "namespace",
        "name",
        "allowed",
        "reason",
        "error",
        "errored",
        "fieldSelector",
        "labelSelector",
        "masked",
        "prefixLength",
        "family",
        "isUnspecified",
        "isLoopback",
        "isLinkLocalMulticast",
        "isLinkLocalUnicast",
        "isGlobalUnicast",
        "sign",
        "asInteger",
        "isInteger",
        "asApproximateFloat",
        "isGreaterThan",
        "isLessThan",
        "compareTo",
        "add",
        "sub",
        "major",
        "minor",
        "patch",
    ]
)
BY_FUNCTION: Final[Mapping[str, Estimate]] = {
    "check": _fixed(CHECK),
    **dict.fromkeys(_NOMINAL, _fixed(1)),
    **dict.fromkeys(("isSorted", "sum", "max", "min", "indexOf", "lastIndexOf"), _elements),
    "url": _traversed(),
    **dict.fromkeys(("lowerAscii", "upperAscii", "substring", "trim"), _target_traversed),
    "replace": _replace,
    "split": _split,
    "join": _join,
    **dict.fromkeys(("find", "findAll"), _pattern),
    "containsIP": _contains_ip,
    "containsCIDR": _contains_cidr,
    **dict.fromkeys(("sets.contains", "sets.intersects"), _set_product(1)),
    "sets.equivalent": _set_product(2),
    "validate": _validate,
    "jsonpatch.escapeKey": _escape_key,
}


def _format(target: Target, args: list[Sized]) -> CallCost | None:
    return CallCost(target.size.scaled(TRAVERSAL)) if target else None


def _to_bytes(target: Target, args: list[Sized]) -> CallCost | None:
    size = args[0].size
    return CallCost(size.scaled(TRAVERSAL), Bounds(size.low, min(size.high * 4, MOST)))


def _from_bytes(target: Target, args: list[Sized]) -> CallCost | None:
    size = args[0].size
    return CallCost(size.scaled(TRAVERSAL), Bounds(size.low // 4, size.high))


def _quote(target: Target, args: list[Sized]) -> CallCost | None:
    size = args[0].size
    return CallCost(size.scaled(TRAVERSAL), Bounds(size.low + 2, min(size.high * 2 + 2, MOST)))


def _in_list(target: Target, args: list[Sized]) -> CallCost | None:
    return CallCost(args[1].size)


def _contains(target: Target, args: list[Sized]) -> CallCost | None:
    return CallCost(target.size.scaled(TRAVERSAL) * args[0].size.scaled(TRAVERSAL)) if target else None


def _added(target: Target, args: list[Sized]) -> CallCost | None:
    size = args[0].size + args[1].size
    return CallCost(size.scaled(TRAVERSAL), size)


def _joined(target: Target, args: list[Sized]) -> CallCost | None:
    return CallCost(ONE, args[0].size + args[1].size)


def _compared(target: Target, args: list[Sized]) -> CallCost | None:
    if args[0].type.kind is Kind.OPAQUE and args[0].type.name != "optional_type":
        return CallCost(ONE)
    most = min(args[0].size.high, args[1].size.high)
    return CallCost(Bounds(1 if most else 0, most).scaled(TRAVERSAL))


BY_OVERLOAD: Final[Mapping[str, Estimate]] = {
    "string_format": _format,
    "string_to_bytes": _to_bytes,
    "bytes_to_string": _from_bytes,
    "strings_quote": _quote,
    **dict.fromkeys(("starts_with_string", "ends_with_string"), _traversed()),
    "in_list": _in_list,
    "matches_string": _matches,
    "contains_string": _contains,
    **dict.fromkeys(("add_string", "add_bytes"), _added),
    "add_list": _joined,
    **dict.fromkeys(("equals", "not_equals"), _compared),
    **{
        f"{name}_{kind}": _compared
        for name in ("less", "less_equals", "greater", "greater_equals")
        for kind in ("string", "bytes")
    },
}


def call_cost(function: str, overload: str, target: Target, args: list[Sized]) -> CallCost:
    """The cost of the call itself, without that of its arguments."""
    for estimate in (BY_FUNCTION.get(function), BY_OVERLOAD.get(overload)):
        found = estimate(target, args) if estimate else None
        if found is not None:
            return found
    return CallCost(ONE)
