"""The automaton finds what Python's engine finds, and takes no longer for evil patterns."""

from __future__ import annotations

import random
import re
import time

import pytest

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
