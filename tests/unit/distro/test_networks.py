from __future__ import annotations

from wherry.distro.networks import loopback_listener


def test_a_port_that_is_taken_is_stepped_aside_of() -> None:
    with loopback_listener(0) as first, loopback_listener(first.getsockname()[1]) as second:
        assert second.getsockname()[1] != first.getsockname()[1]
