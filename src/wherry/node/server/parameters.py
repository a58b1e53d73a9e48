"""Query parameters of the node's endpoints, decoded as upstream's converters do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wherry.node.server.errors import Refused

Query = Mapping[str, Sequence[str]]


def flag(query: Query, name: str) -> bool:
    """False when absent, `0` or `false`; anything else is true, an empty value too."""
    values = query.get(name) or ("false",)
    return values[0].lower() not in ("0", "false")


def text(query: Query, name: str) -> str:
    return next(iter(query.get(name, ())), "")


def number(query: Query, name: str, *, at_least: int) -> int | None:
    """None when absent or empty. Raises `Refused` (422) for what is not a number or too small."""
    value = text(query, name)
    if not value:
        return None
    try:
        result = int(value)
    except ValueError:
        raise Refused(422, f"{name}: {value!r} is not a number") from None
    if result < at_least:
        raise Refused(422, f"{name} must be at least {at_least}")
    return result
