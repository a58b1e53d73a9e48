"""Elastic tab stops: columns of neighbouring lines aligned, as Go's text/tabwriter does it, which kubectl prints with.

A column is a run of lines that have a cell there which ends with a tab; the last cell of a line belongs to none. So a
line without tabs between two others parts their columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def align(rows: Iterable[Sequence[str]], *, minimum: int = 0, padding: int = 2) -> str:
    """Lines of cells as text, each line ended by a newline. `minimum` is a column's least width, padding included."""
    lines = [list(row) for row in rows]
    widths: list[list[int]] = [[] for _ in lines]
    _measure(lines, widths, 0, len(lines), 0, minimum, padding)
    return "".join(_line(cells, taken) for cells, taken in zip(lines, widths, strict=True))


def align_text(text: str, *, minimum: int = 0, padding: int = 2) -> str:
    """Text with tabs between its cells; its last line is ended too."""
    lines = text.removesuffix("\n").split("\n") if text else []
    return align((line.split("\t") for line in lines), minimum=minimum, padding=padding)


def _measure(
    lines: list[list[str]], widths: list[list[int]], start: int, end: int, column: int, minimum: int, padding: int
) -> None:
    """Append to `widths` the width of each cell from `column` on, block by block."""
    at = start
    while at < end:
        if len(lines[at]) - 1 <= column:
            at += 1
            continue
        block = at
        while at < end and len(lines[at]) - 1 > column:
            at += 1
        width = max(minimum, max(len(lines[row][column]) for row in range(block, at)) + padding)
        for row in range(block, at):
            widths[row].append(width)
        _measure(lines, widths, block, at, column + 1, minimum, padding)


def _line(cells: list[str], widths: list[int]) -> str:
    return "".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=False)) + cells[-1] + "\n"


class Columns:
    """The rows of one table, printed in several portions: a column never gets narrower again."""

    def __init__(self, *, minimum: int = 6, padding: int = 3) -> None:
        self._minimum = minimum
        self._padding = padding
        self._widths: list[int] = []

    def render(self, rows: Sequence[Sequence[str]]) -> str:
        for row in rows:
            for index, cell in enumerate(row[:-1]):
                wanted = max(self._minimum, len(cell) + self._padding)
                if index == len(self._widths):
                    self._widths.append(wanted)
                elif wanted > self._widths[index]:
                    self._widths[index] = wanted
        return "".join(_line(list(row), self._widths[: len(row) - 1]) for row in rows)
