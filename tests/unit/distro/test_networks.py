from __future__ import annotations

import pytest

from wherry.distro.networks import loopback_listener, opened


def test_a_port_that_is_taken_is_stepped_aside_of() -> None:
    with loopback_listener(0) as first, loopback_listener(first.getsockname()[1]) as second:
        assert second.getsockname()[1] != first.getsockname()[1]


class Host:
    def __init__(self, *, there: bool) -> None:
        self.there = there

    def is_there(self) -> bool:
        return self.there

    async def open(self) -> None:
        self.there = True

    async def remove(self) -> None:
        self.there = False


@pytest.mark.parametrize("before", [False, True])
async def test_a_start_that_fails_leaves_the_host_as_it_was(before: bool) -> None:
    host = Host(there=before)
    with pytest.raises(OSError, match="port"):
        async with opened(host):
            assert host.there
            raise OSError("port in use")
    assert host.there is before


async def test_a_start_that_works_keeps_the_network() -> None:
    host = Host(there=False)
    async with opened(host), opened(None):
        pass
    assert host.there
