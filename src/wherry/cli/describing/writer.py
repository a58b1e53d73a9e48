"""Where descriptions are written: lines at levels, their cells aligned in the end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wherry.cli.formats.tabs import align_text


class Writer:
    """Text by lines; tabs part cells. `flush` ends a stretch of lines that are aligned with each other."""

    def __init__(self) -> None:
        self._done: list[str] = []
        self._lines: list[str] = []

    def line(self, text: str = "", level: int = 0) -> None:
        self._lines.append("  " * level + text)

    def field(self, title: str, value: Any, level: int = 0) -> None:
        """`Title:  value`, values in one column."""
        self.line(f"{title}:\t{value}", level)

    def fields(self, pairs: Iterable[tuple[str, Any]], level: int = 0) -> None:
        for title, value in pairs:
            self.field(title, value, level)

    def given(self, title: str, value: Any, level: int = 0) -> None:
        """A field, unless it has no value."""
        if value not in (None, "", [], {}):
            self.field(title, value, level)

    def several(self, title: str, values: Iterable[str], level: int = 0) -> None:
        """Values below each other in one column; `<none>` for none."""
        texts = list(values) or ["<none>"]
        self.field(title, texts[0], level)
        for text in texts[1:]:
            self.line(f"\t{text}", level)

    def flush(self) -> None:
        if self._lines:
            self._done.append(align_text("\n".join(self._lines) + "\n"))
            self._lines = []

    def text(self) -> str:
        self.flush()
        return "".join(self._done)
