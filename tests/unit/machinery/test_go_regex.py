"""Go's regular expressions in Python's engine."""

from __future__ import annotations

import pytest

from wherry.machinery.go_regex import GoRegexError, compile_go


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("^a$", "a", True),
        ("^a$", "a\n", False),
        (r"^\d+$", "٣", False),
        ("^[[:alpha:]]+$", "abc", True),
        ("^[[:alpha:]_]+$", "a1", False),
        ("^[$]$", "$", True),
        (r"^[]a]+$", "]a", True),
        (r"^a\z", "a", True),
        (r"^\x{41}$", "A", True),
        ("b", "abc", True),
        ("(?i)^a$", "A", True),
        ("^(?P<n>a)$", "a", True),
    ],
)
def test_a_pattern_means_what_it_means_in_go(pattern: str, text: str, matches: bool) -> None:
    assert compile_go(pattern).search(text) is matches


@pytest.mark.parametrize("pattern", ["(", r"\p{L}", "[[:nothing:]]", "a**"])
def test_what_cannot_be_said_in_python_is_refused(pattern: str) -> None:
    with pytest.raises(GoRegexError):
        compile_go(pattern)
