"""`-o custom-columns=NAME:.metadata.name,NODE:.spec.nodeName`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wherry.api.types import Object
from wherry.cli.errors import Refused
from wherry.cli.formats.tabs import Columns
from wherry.machinery.jsonpath import JsonPath, JsonPathError, compile_template, relaxed
from wherry.machinery.patch_schema import go_map


@dataclass(frozen=True, slots=True)
class Column:
    header: str
    path: JsonPath


def from_spec(spec: str) -> list[Column]:
    """The columns of `HEADER:path,...`. Raises `Refused`."""
    if not spec:
        raise Refused("custom-columns format specified but no custom columns given")
    return [_column(part) for part in spec.split(",")]


def from_file(text: str) -> list[Column]:
    """The columns of a file with a line of headers and a line of paths. Raises `Refused`."""
    lines = text.splitlines()
    if len(lines) < 2 or len(lines[0].split()) != len(lines[1].split()):
        raise Refused("a custom-columns file has one line of headers and one line with as many paths")
    return [_column(f"{header}:{path}") for header, path in zip(lines[0].split(), lines[1].split(), strict=True)]


def _column(part: str) -> Column:
    header, colon, path = part.partition(":")
    if not colon or not header or not path:
        raise Refused(f"unexpected custom-columns spec: {part}, expected <header>:<json-path-expr>")
    try:
        return Column(header, compile_template(relaxed(path)))
    except JsonPathError as error:
        raise Refused(str(error)) from error


class CustomColumns:
    """Prints objects; the header once."""

    def __init__(self, columns: Sequence[Column], *, headers: bool) -> None:
        self._columns = columns
        self._headers = headers
        self._widths = Columns()

    def render(self, objects: Sequence[Object]) -> str:
        rows = [[column.header for column in self._columns]] if self._headers else []
        self._headers = False
        return self._widths.render(rows + [[_cell(column.path, obj) for column in self._columns] for obj in objects])


def _cell(path: JsonPath, obj: Object) -> str:
    try:
        return ",".join(_text(value) for value in path.values(obj)) or "<none>"
    except JsonPathError as error:
        raise Refused(str(error)) from error


def _text(value: Any) -> str:
    return value if isinstance(value, str) else go_map(value)
