from pathlib import Path

import pytest

from wherry.network.nodes.addresses import AddressesExhausted, AddressPool


@pytest.fixture
def pool(tmp_path: Path) -> AddressPool:
    return reopened(tmp_path)


def reopened(tmp_path: Path) -> AddressPool:
    pool = AddressPool("10.1.2.0/29", tmp_path / "addresses", reserved=["10.1.2.1"])
    pool.open()
    return pool


def test_an_owner_keeps_its_address(pool: AddressPool) -> None:
    assert pool.take("a") == pool.take("a") == "10.1.2.2"


def test_no_address_is_given_twice_and_the_end_is_said(pool: AddressPool) -> None:
    given = [pool.take(f"pod-{n}") for n in range(5)]
    assert sorted(given) == [f"10.1.2.{n}" for n in (2, 3, 4, 5, 6)]
    with pytest.raises(AddressesExhausted, match=r"all 5 pod addresses of 10\.1\.2\.0/29 are in use"):
        pool.take("one more")


def test_a_returned_address_comes_back_as_late_as_possible(pool: AddressPool) -> None:
    first = pool.take("a")
    pool.give_back("a")
    later = [pool.take(f"pod-{n}") for n in range(5)]
    assert later.index(first) == 4


def test_a_new_agent_finds_what_is_taken(pool: AddressPool, tmp_path: Path) -> None:
    address = pool.take("a")
    again = reopened(tmp_path)
    assert again.owners() == {"a": address}
    assert again.take("b") != address


def test_two_agents_never_give_one_address(pool: AddressPool, tmp_path: Path) -> None:
    other = reopened(tmp_path)
    assert pool.take("a") != other.take("b")


def test_files_that_are_no_address_are_cleared(pool: AddressPool, tmp_path: Path) -> None:
    (tmp_path / "addresses" / "rubbish").write_text("x")
    (tmp_path / "addresses" / "10.1.2.4").write_text("")
    assert reopened(tmp_path).owners() == {}
