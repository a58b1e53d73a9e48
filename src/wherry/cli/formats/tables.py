"""The server's tables as rows of text, decorated as kubectl does it: namespaces, kinds, labels, events of a watch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wherry.api.types import Object

_BREAKS = "\f\n\r"
_EVENT_WIDTH = len("MODIFIED")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableOptions:
    """`kind` is put before each name: `pod/x`."""

    wide: bool = False
    headers: bool = True
    namespaces: bool = False
    kind: str = ""
    labels: bool = False
    label_columns: tuple[str, ...] = ()
    events: bool = False


class TableRows:
    """The rows of one resource's tables, which may come in several parts: the header only with the first."""

    def __init__(self, options: TableOptions) -> None:
        self._options = options
        self._columns: list[Object] = []
        self._headed = False

    def of(self, table: Object, event: str = "") -> list[list[str]]:
        """The rows to print, the header first where it is due; none for an empty table."""
        if definitions := table.get("columnDefinitions"):
            self._headed = self._headed and definitions == self._columns
            self._columns = definitions
        rows = [self._row(row, event) for row in table.get("rows") or ()]
        if rows and not self._headed:
            self._headed = True
            if self._options.headers:
                rows.insert(0, self._header())
        return rows

    def _shown(self) -> list[int]:
        return [index for index, column in enumerate(self._columns) if self._options.wide or not column.get("priority")]

    def _header(self) -> list[str]:
        options = self._options
        names = ["EVENT"] if options.events else []
        names += ["NAMESPACE"] if options.namespaces else []
        names += [self._columns[index]["name"].upper() for index in self._shown()]
        names += [label.rpartition("/")[2].upper() for label in options.label_columns]
        return names + (["LABELS"] if options.labels else [])

    def _row(self, row: Object, event: str) -> list[str]:
        options, metadata = self._options, (row.get("object") or {}).get("metadata") or {}
        labels = metadata.get("labels") or {}
        cells = [event.ljust(_EVENT_WIDTH)] if options.events else []
        cells += [metadata.get("namespace", "")] if options.namespaces else []
        cells += [self._cell(row["cells"], index) for index in self._shown()]
        cells += [labels.get(label, "") for label in options.label_columns]
        return cells + ([labels_text(labels)] if options.labels else [])

    def _cell(self, cells: list[Any], index: int) -> str:
        text = cell_text(cells[index]) if index < len(cells) else ""
        column = self._columns[index]
        if self._options.kind and column.get("format") == "name" and column.get("type") == "string":
            return f"{self._options.kind}/{text}"
        return text


def cell_text(value: Any) -> str:
    """A cell on one line."""
    if isinstance(value, str):
        end = min((at for at in map(value.find, _BREAKS) if at >= 0), default=-1)
        return value if end < 0 else f"{value[:end]}..."
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        from wherry.machinery.jsonpath import go_float

        return go_float(value)
    return str(value)


def labels_text(labels: Mapping[str, str]) -> str:
    return ",".join(f"{key}={labels[key]}" for key in sorted(labels)) or "<none>"


def as_table(page: Object, now: float) -> Object:
    """A table of what a server without tables sent: name and age."""
    if page.get("kind") == "Table":
        return page
    from wherry.api.tables.ages import since

    items = page["items"] if isinstance(page.get("items"), list) else [page]
    columns = [{"name": "Name", "type": "string", "format": "name"}, {"name": "Age", "type": "string"}]
    rows = [
        {"cells": [item["metadata"].get("name"), since(item["metadata"].get("creationTimestamp"), now)], "object": item}
        for item in items
    ]
    return {"kind": "Table", "columnDefinitions": columns, "rows": rows}
