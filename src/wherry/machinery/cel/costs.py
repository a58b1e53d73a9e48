"""What calls cost at run time, in units of about 50 ns of the original.

Most cost 1, known when the program is compiled; the rest depends on the sizes of arguments and results.
Source: cel-go `interpreter/runtimecost.go`; k8s.io/apiserver/pkg/cel/library/cost.go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil
from typing import Any, Final

from wherry.machinery.cel.values import size_of

TRAVERSAL: Final = 0.1
REGEX: Final = 0.25
SELECT: Final = 1
LIST: Final = 10
MAP: Final = 30
STRUCT: Final = 40
CHECK: Final = 350_000
"""Two authorization checks an expression, no more."""

ActualCost = Callable[[tuple[Any, ...], Any], int]


def _traversal(place: int, factor: float = 1) -> ActualCost:
    return lambda args, result: ceil(size_of(args[place]) * factor * TRAVERSAL)


def _tree(value: Any) -> int:
    if isinstance(value, (str, bytes)):
        return int(len(value.encode() if isinstance(value, str) else value) * TRAVERSAL)
    if isinstance(value, list):
        return sum(map(_tree, value))
    if isinstance(value, Mapping):
        return sum(_tree(key) + _tree(item) for key, item in value.items())
    return 1


def _regex(args: tuple[Any, ...], result: Any) -> int:
    return ceil((1 + size_of(args[0])) * TRAVERSAL) * ceil(size_of(args[1]) * REGEX)


def _smaller(args: tuple[Any, ...], result: Any) -> int:
    return ceil(min(size_of(args[0]), size_of(args[1])) * TRAVERSAL)


def _both(args: tuple[Any, ...], result: Any) -> int:
    return ceil((size_of(args[0]) + size_of(args[1])) * TRAVERSAL)


def _contains(args: tuple[Any, ...], result: Any) -> int:
    return ceil(size_of(args[0]) * TRAVERSAL) * ceil(size_of(args[1]) * TRAVERSAL)


def _contains_ip(args: tuple[Any, ...], result: Any) -> int:
    cost = ceil(2 * size_of(args[0]) * TRAVERSAL)
    return cost + (ceil(len(args[1]) * TRAVERSAL) if args[1].__class__ is str else 0)


def _contains_cidr(args: tuple[Any, ...], result: Any) -> int:
    return _contains_ip(args, result) + ceil(size_of(args[0]) * TRAVERSAL) + 1


def _product(args: tuple[Any, ...], result: Any) -> int:
    return size_of(args[0]) * size_of(args[1]) + 1


def _validate(args: tuple[Any, ...], result: Any) -> int:
    return ceil((1 + size_of(args[1])) * TRAVERSAL) * ceil(args[0].regex_size * REGEX)


def _fixed(cost: int) -> ActualCost:
    return lambda args, result: cost


_TREE: ActualCost = lambda args, result: _tree(args[0])
_JOIN: ActualCost = lambda args, result: ceil(size_of(result) * 2 * TRAVERSAL)
BY_FUNCTION: Final[Mapping[str, ActualCost]] = {
    "check": _fixed(CHECK),
    **dict.fromkeys(("isSorted", "sum", "max", "min", "indexOf", "lastIndexOf"), _TREE),
    **dict.fromkeys(("url", "lowerAscii", "upperAscii", "substring", "trim"), _traversal(0)),
    **dict.fromkeys(("replace", "split"), _traversal(0, 2)),
    "join": _JOIN,
    **dict.fromkeys(("find", "findAll"), _regex),
    **dict.fromkeys(("cidr", "isIP", "isCIDR", "ip", "quantity", "isQuantity"), _traversal(0)),
    **dict.fromkeys(("semver", "isSemver"), _traversal(0)),
    **dict.fromkeys(("isImage", "image"), _traversal(0)),
    "ip.isCanonical": _traversal(0, 2),
    "containsIP": _contains_ip,
    "containsCIDR": _contains_cidr,
    **dict.fromkeys(("sets.contains", "sets.intersects"), _product),
    "sets.equivalent": lambda args, result: 2 * size_of(args[0]) * size_of(args[1]) + 1,
    "validate": _validate,
    "jsonpatch.escapeKey": _traversal(0),
}
BY_OVERLOAD: Final[Mapping[str, ActualCost]] = {
    "cidr_ip": _fixed(1),
    "starts_with_string": _traversal(0),
    "ends_with_string": _traversal(0),
    "string_to_bytes": _traversal(0),
    "bytes_to_string": _traversal(0),
    "strings_quote": _traversal(0),
    "string_format": _traversal(0),
    "in_list": lambda args, result: size_of(args[1]),
    "matches_string": _regex,
    "matches": _regex,
    "contains_string": _contains,
    "equals": _smaller,
    "not_equals": _smaller,
    "add_string": _both,
    "add_bytes": _both,
    **{
        f"{name}_{kind}": _smaller
        for name in ("less", "less_equals", "greater", "greater_equals")
        for kind in ("string", "bytes")
    },
}


BY_RESULT: Final = frozenset({"join"})
"""Functions whose cost depends on their result."""


def actual_cost(function: str, overload: str) -> ActualCost | None:
    """None for a call that costs 1, whatever it works on."""
    return BY_OVERLOAD.get(overload) or BY_FUNCTION.get(function)
