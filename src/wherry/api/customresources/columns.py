"""The table of a custom resource: the definition's printer columns, or the age where it has none.

Source: k8s.io/apiextensions-apiserver/pkg/registry/customresource/tableconvertor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wherry.api.tables.ages import since
from wherry.api.tables.columns import NAME, Cells, Table
from wherry.api.tables.plain import CUSTOM
from wherry.api.types import Object
from wherry.machinery.jsonpath import JsonPath, JsonPathError, compile_template

Cell = Callable[[Object, float], Any]


def table_of(columns: Sequence[Object]) -> Table:
    """The printer of one version. A path that cannot be compiled gives empty cells, as upstream's printer does."""
    if not columns:
        return CUSTOM
    cells = [_cell(each) for each in columns]

    def row(obj: Object, now: float) -> Cells:
        return [obj["metadata"].get("name", ""), *(cell(obj, now) for cell in cells)]

    return Table((NAME, *map(_definition, columns)), row)


def _definition(column: Object) -> Object:
    about = column.get("description") or f"Custom resource definition column (in JSONPath format): {column['jsonPath']}"
    return {
        "name": column["name"],
        "type": column["type"],
        "format": column.get("format", ""),
        "description": about,
        "priority": column.get("priority", 0),
    }


def _cell(column: Object) -> Cell:
    try:
        path = compile_template(f"{{{column['jsonPath']}}}")
    except JsonPathError:
        return lambda obj, now: None
    if column["type"] == "string":
        return lambda obj, now: _text(path, obj)
    convert = _CONVERT[column["type"]]
    return lambda obj, now: convert(_first(path, obj), now)


def _found(path: JsonPath, obj: Object) -> list[Any]:
    try:
        return path.values(obj)
    except JsonPathError:
        return []


def _first(path: JsonPath, obj: Object) -> Any:
    return next(iter(_found(path, obj)), None)


def _text(path: JsonPath, obj: Object) -> str | None:
    return path.render(obj) if _found(path, obj) else None


def _integer(value: Any, now: float) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _number(value: Any, now: float) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _boolean(value: Any, now: float) -> bool | None:
    return value if isinstance(value, bool) else None


def _date(value: Any, now: float) -> str | None:
    if value is None:
        return None
    age = since(value, now) if isinstance(value, str) else "<invalid>"
    return "<invalid>" if age == "<unknown>" else age


_CONVERT: dict[str, Callable[[Any, float], Any]] = {
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
}
