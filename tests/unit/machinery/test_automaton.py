"""The automaton finds what Python's engine finds, and takes no longer for evil patterns."""

from __future__ import annotations

import random
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wherry.machinery.automaton import Automaton, NotRegular

PIECES = ("a", "b", "[ab]", "[^a]", ".", r"\w", r"\d", "a|b", "(ab|a)", "(?:b|)", "^", r"\Z", r"\b", r"\B", "(?i:A)")
REPEATS = ("", "", "", "*", "+", "?", "{2}", "{1,3}", "{2,}", "*?", "+?")


def pattern_of(rng: random.Random) -> str:
    parts = []
    for _ in range(rng.randint(1, 5)):
        piece, repeat = rng.choice(PIECES), rng.choice(REPEATS)
        parts.append(piece if piece in ("^", r"\Z", r"\b", r"\B") else f"(?:{piece}){repeat}")
    text = "".join(parts)
    return f"(?:{text}){rng.choice(REPEATS)}{rng.choice(PIECES)}" if rng.random() < 0.3 else text


@pytest.mark.parametrize("seed", range(20))
def test_it_finds_what_the_other_engine_finds(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(100):
        pattern = pattern_of(rng)
        known, ours = re.compile(pattern, re.ASCII), Automaton(pattern)
        for _ in range(10):
            text = "".join(rng.choices("abAB1 \n", k=rng.randint(1, 8)))  # Python has no \\B in an empty text, RE2 has
            assert ours.search(text) is (known.search(text) is not None), (pattern, text)


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "^(a|a)*$", "(a*)*b", "a*a*a*a*a*b", "(.*)(.*)(.*)(.*)x$", "^(([a-z])+.)+[A-Z]([a-z])+$"]
)
def test_evil_patterns_take_no_longer(pattern: str) -> None:
    automaton = Automaton(pattern)
    began = time.process_time()
    assert automaton.search("a" * 50_000 + "!") is False
    assert time.process_time() - began < 2


@pytest.mark.parametrize("pattern", [r"(a)\1", "(?=a)b", "(?<!a)b", "(a{1000}){1000}", "(?m)^a"])
def test_what_is_not_regular_is_refused(pattern: str) -> None:
    with pytest.raises(NotRegular):
        Automaton(pattern)


FINDS = [
    ("a+", "baac", (1, 3)),
    ("a+?", "baac", (1, 2)),
    ("foo|foobar", "xfoobar", (1, 4)),
    ("(?:a|ab)(?:c|bcd)", "abcd", (0, 4)),
    ("^b", "ab", None),
    ("b$", "abb", (2, 3)),
    (r"\bcat\b", "concat cat", (7, 10)),
    ("x*", "aaa", (0, 0)),
    ("(a*)*b", "aaab", (0, 4)),
]


@pytest.mark.parametrize(("pattern", "text", "place"), FINDS)
def test_the_first_match_is_the_one_that_perl_would_take(
    pattern: str, text: str, place: tuple[int, int] | None
) -> None:
    assert Automaton(pattern).find(text) == place
    python = re.search(pattern, text)
    assert (python.span() if python else None) == place


@given(
    st.text("ab|*+?()^$.", max_size=8),
    st.text("ab", max_size=8),
)
@settings(max_examples=300, deadline=None)
def test_search_and_find_agree_with_python(pattern: str, text: str) -> None:
    try:
        automaton = Automaton(pattern)
    except (re.error, NotRegular, OverflowError, RecursionError):
        return
    wanted = re.search(pattern.replace("$", r"\Z"), text, re.ASCII)
    assert automaton.search(text) is (wanted is not None)
    found = automaton.find(text)
    assert (found is None) is (wanted is None)
    if wanted is not None and found is not None:
        assert found[0] == wanted.start()
