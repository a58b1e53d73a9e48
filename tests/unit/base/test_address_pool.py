"""Pools of addresses."""

from __future__ import annotations

import pytest

from wherry.base.address_pool import parse_pool


def given(text: str) -> list[str]:
    taken: list[str] = []
    pool = parse_pool(text)
    while (address := pool.first_free(taken)) is not None:
        taken.append(address)
    return taken


def test_networks_and_ranges() -> None:
    assert given("10.0.0.0/30") == ["10.0.0.1", "10.0.0.2"]
    assert given("10.0.0.4-10.0.0.8") == [f"10.0.0.{n}" for n in range(4, 9)]
    assert given("10.0.0.9/32, 10.0.1.1-10.0.1.1") == ["10.0.0.9", "10.0.1.1"]
    assert given("") == []


def test_what_is_in_it() -> None:
    pool = parse_pool("10.0.0.4-10.0.0.8,10.1.0.0/24")
    assert [text in pool for text in ("10.0.0.3", "10.0.0.8", "10.1.0.0", "fe80::1", "", "x")] == [
        False,
        True,
        True,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize(
    "text", ["10.0.0.1/24", "x", "10.0.0.9-10.0.0.1", "10.0.0.0/24,10.0.0.5-10.0.0.6", "fe80::/64"]
)
def test_what_cannot_be_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no IPv4 network|is there twice"):
        parse_pool(text)
