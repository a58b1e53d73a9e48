"""Printers of kinds that have none of their own."""

from __future__ import annotations

from wherry.api.tables.columns import AGE, CREATED_AT, NAME, Cells, Table, age, column, name
from wherry.api.types import Object


def _aged(obj: Object, now: float) -> Cells:
    return [name(obj), age(obj, now)]


def _created(obj: Object, now: float) -> Cells:
    return [name(obj), obj["metadata"].get("creationTimestamp")]


AGED = Table((NAME, AGE), _aged)
CREATED = Table((NAME, CREATED_AT), _created)
CUSTOM = Table((NAME, column("Age", "date", about=AGE["description"])), _aged)
