"""A table from resources to functions, whose modules are imported when first asked for.

A cluster touches a dozen kinds while it starts; the code of the other fifty must cost it nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Generic, TypeVar

T = TypeVar("T")


class LazyTable(Generic[T]):
    """`{qualified resource: "module:name"}`, resolved once per resource; `package` holds the modules."""

    __slots__ = ("_found", "_package", "_table")

    def __init__(self, package: str, table: Mapping[str, str]) -> None:
        self._package = package
        self._table = table
        self._found: dict[str, T | None] = {}

    def __contains__(self, qualified: str) -> bool:
        return qualified in self._table

    def get(self, qualified: str) -> T | None:
        """What the table has for `pods` or `deployments.apps`; None for a resource that is not in it."""
        try:
            return self._found[qualified]
        except KeyError:
            return self._resolve(qualified)

    def _resolve(self, qualified: str) -> T | None:
        where = self._table.get(qualified)
        if where is None:
            # Not kept: names of custom resources come and go.
            return None
        module, _, name = where.partition(":")
        found: T = getattr(import_module(f"{self._package}.{module}"), name)
        self._found[qualified] = found
        return found
