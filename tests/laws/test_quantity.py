"""Laws of quantities: what is written is read back as the same number, and sums are exact."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from wherry.machinery.quantity import canonical, parse

SUFFIXES = {
    "": Fraction(1), "n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000), "k": Fraction(10**3),
    "M": Fraction(10**6), "Ki": Fraction(2**10), "Mi": Fraction(2**20), "Gi": Fraction(2**30), "e2": Fraction(100),
    "e-1": Fraction(1, 10),
}  # fmt: skip
NUMBERS = st.tuples(st.integers(-(10**9), 10**9), st.integers(0, 999), st.sampled_from(sorted(SUFFIXES)))


def spelling(parts: tuple[int, int, str]) -> str:
    whole, thousandths, suffix = parts
    return f"{whole}.{thousandths:03}{suffix}" if thousandths else f"{whole}{suffix}"


@given(NUMBERS)
def test_parsing_is_exact_down_to_a_billionth(parts: tuple[int, int, str]) -> None:
    whole, thousandths, suffix = parts
    sign = -1 if whole < 0 else 1
    exact = (abs(whole) + Fraction(thousandths, 1000)) * SUFFIXES[suffix] * sign
    error = abs(parse(spelling(parts)).nanos) - abs(exact) * 10**9
    assert 0 <= error < 1


@given(NUMBERS)
def test_the_canonical_spelling_is_the_same_number_and_stays(parts: tuple[int, int, str]) -> None:
    text = canonical(spelling(parts))
    assert parse(text) == parse(spelling(parts))
    assert canonical(text) == text


@given(NUMBERS, NUMBERS, NUMBERS)
def test_addition(a: tuple[int, int, str], b: tuple[int, int, str], c: tuple[int, int, str]) -> None:
    x, y, z = parse(spelling(a)), parse(spelling(b)), parse(spelling(c))
    assert x + y == y + x
    assert (x + y) + z == x + (y + z)
    assert (x + y) - y == x
    assert parse(str(x + y)) == x + y
