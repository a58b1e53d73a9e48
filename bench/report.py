"""Rows of figures and the table they are printed in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `reach` is what it is held against, `met` whether it got there (None: nothing to reach)."""

    what: str
    measured: str
    reach: str = ""
    met: bool | None = None


def at_most(what: str, value: float, limit: float, unit: str, *, note: str = "") -> Row:
    text = f"{value:.2f} {unit}" + (f" ({note})" if note else "")
    return Row(what, text, f"<= {limit:g} {unit}", value <= limit)


def ratio(what: str, value: float, yardstick: float, reach: float) -> Row:
    share = value / yardstick
    return Row(what, f"{value:,.0f}/s = {share:.3f} of the yardstick", f">= {reach:g}", share >= reach)


def table(rows: Iterable[Row]) -> str:
    """Plain text, one line per row."""
    marks = {True: "yes", False: "NO", None: ""}
    cells = [("what", "measured", "reach", "met"), *((r.what, r.measured, r.reach, marks[r.met]) for r in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(4)]
    lines = [_line(row, widths) for row in cells]
    lines.insert(1, "-" * len(lines[0]))
    return "\n".join(lines)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
