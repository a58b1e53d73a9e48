"""For tests of Wherry and of what is built on it: whole clusters in the test's process, fakes, and the drivers' contracts.

`Cluster` and `AsyncCluster` (docs/testing.md) are loaded when they are first asked for.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wherry.testing.cluster.aio import AsyncCluster as AsyncCluster
    from wherry.testing.cluster.cluster import Cluster as Cluster

__all__ = ["AsyncCluster", "Cluster"]

_PLACES = {"AsyncCluster": "wherry.testing.cluster.aio", "Cluster": "wherry.testing.cluster.cluster"}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_PLACES[name]), name)
