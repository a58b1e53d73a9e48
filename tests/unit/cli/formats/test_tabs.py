"""Columns as Go's text/tabwriter aligns them."""

from __future__ import annotations

from wherry.cli.formats.tabs import Columns, align, align_text


def test_columns_are_as_wide_as_their_widest_cell_and_the_last_is_not_padded() -> None:
    assert align([["NAME", "AGE"], ["long-name", "1s"]], minimum=6, padding=3) == "NAME        AGE\nlong-name   1s\n"


def test_a_line_without_the_column_parts_two_blocks() -> None:
    text = "a:\t1\nplain\nlonger:\t2\n  x:\t3\n"
    assert align_text(text) == "a:  1\nplain\nlonger:  2\n  x:     3\n"


def test_later_portions_never_get_narrower() -> None:
    columns = Columns()
    assert columns.render([["NAME", "X"], ["abcdefgh", "1"]]) == "NAME       X\nabcdefgh   1\n"
    assert columns.render([["a", "2"]]) == "a          2\n"
