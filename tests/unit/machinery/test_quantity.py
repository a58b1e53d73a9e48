import pytest

from wherry.machinery import quantity
from wherry.machinery.quantity import QuantityError, parse

CANONICAL = {
    "0": "0", "0.5": "500m", "1024Mi": "1Gi", "1e3": "1e3", "10e2": "1e3", "1000m": "1", "1500m": "1500m", "1Ki": "1Ki",
    "0.5Ki": "512", "100Ki": "100Ki", "1.5Gi": "1536Mi", "1000k": "1M", "1.500": "1.500", "0.001": "1m", "1.1": "1100m",
    "2.5Gi": "2560Mi", "12.345": "12.345", "-0.5": "-500m", "1n": "1n", "0.1n": "1n", "5000": "5k", "1E": "1E",
    "1073741824": "1073741824", "128974848": "128974848", "129e6": "129e6", "129M": "129M", "123Mi": "123Mi",
    "8Ki": "8Ki", "1025Mi": "1025Mi", "0.3Ki": "307200m", "1000E": "1000E", "100000000000000000000": "100E",
    "9999999999Ei": "9223372036854775807", "+5": "+5", ".5": "500m", "5.": "5.", "0Mi": "0",
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CANONICAL.items())
def test_canonical_spelling(text: str, expected: str) -> None:
    assert quantity.canonical(text) == expected


def test_json_numbers() -> None:
    assert [quantity.canonical(number) for number in (1, 0.5, 1.5e10, 0)] == ["1", "500m", "15G", "0"]


@pytest.mark.parametrize("text", ["", "abc", "1.2.3", "1 Gi", "1Gi ", "1-1-", "1_000", "١"])
def test_wrong_format(text: str) -> None:
    with pytest.raises(
        QuantityError, match=r"quantities must match the regular expression '\^\(\[\+-\]\?\[0-9\.\]\+\)"
    ):
        parse(text)


@pytest.mark.parametrize("text", ["1mi", "1KM", "1e", "1iK", "1-", "1e99999999999999999999", "1i"])
def test_wrong_suffix(text: str) -> None:
    with pytest.raises(QuantityError, match="unable to parse quantity's suffix"):
        parse(text)


def test_milli_and_value_round_away_from_zero() -> None:
    assert (parse("100m").milli(), parse("1.0001").milli(), parse("-1.0001").milli()) == (100, 1001, -1001)
    assert (parse("1Gi").value(), parse("100m").value(), parse("-100m").value()) == (2**30, 1, -1)
    assert str(parse("1.00001").round_milli()) == "1001m"


def test_arithmetic_takes_the_format_of_the_first_that_is_not_zero() -> None:
    assert str(parse("512Mi") + parse("512Mi")) == "1Gi"
    assert str(parse("0") + parse("1Gi")) == "1Gi"
    assert str(parse("1") - parse("100m")) == "900m"
    assert str(quantity.total([parse("250m")] * 4)) == "1"


def test_equal_and_ordered_by_value() -> None:
    assert parse("1000m") == parse("1")
    assert hash(parse("1Ki")) == hash(parse("1024"))
    assert parse("999m") < parse("1") <= parse("1e0")
