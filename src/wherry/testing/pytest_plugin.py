"""The pytest plugin: fixtures `cluster`, `async_cluster` and `wherry_cluster`, for tests of what runs on Kubernetes.

`wherry_cluster` is one cluster per session (under pytest-xdist: per worker); `cluster` is a fork of it for one test, so that
tests share what the session's fixtures prepared and nothing that they do. Costs nothing where it is not used: whatever is
heavy is imported when the first fixture is asked for.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from wherry.testing import AsyncCluster, Cluster

_SEED = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("wherry", "clusters for tests")
    group.addoption(
        "--wherry-seed", type=int, metavar="N", help="Decide what chance decides as in the run that printed N."
    )
    group.addoption("--wherry-nodes", type=int, metavar="N", help="How many nodes the session's cluster has.")
    group.addoption(
        "--wherry-clock", choices=["virtual", "stopped", "real"], help="The clock of the session's cluster."
    )
    parser.addini("wherry_nodes", "how many nodes the session's cluster has", default="1")
    parser.addini("wherry_clock", "its clock: virtual, stopped or real", default="virtual")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "wherry(**options): the test's own cluster, made with these options of Cluster")
    # Workers of xdist are told the seed of the whole run.
    told = getattr(config, "workerinput", {}).get("wherry_seed")
    asked = config.getoption("wherry_seed")
    config.stash[_SEED] = next(s for s in (told, asked, random.SystemRandom().randrange(1 << 32)) if s is not None)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """A worker of xdist starts."""
    node.workerinput["wherry_seed"] = node.config.stash[_SEED]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Tell the seed of a test that failed with a cluster."""
    outcome: Any = yield
    report = outcome.get_result()
    if report.failed and _used(item):
        seed = item.config.stash[_SEED]
        report.sections.append(("wherry", f"run it again with the same chance: --wherry-seed {seed}"))


def _used(item: pytest.Item) -> bool:
    return bool({"cluster", "async_cluster", "wherry_cluster"} & set(getattr(item, "fixturenames", ())))


def _options(config: pytest.Config) -> dict[str, Any]:
    nodes = config.getoption("wherry_nodes")
    clock = config.getoption("wherry_clock")
    return {
        "nodes": int(config.getini("wherry_nodes")) if nodes is None else nodes,
        "clock": clock or config.getini("wherry_clock"),
    }


@pytest.fixture(scope="session")
def wherry_cluster(pytestconfig: pytest.Config) -> Iterator[Cluster]:
    """The session's cluster. Prepare in it what all tests need (definitions, say); tests get forks of it."""
    from wherry.testing import Cluster

    with Cluster(seed=pytestconfig.stash[_SEED], **_options(pytestconfig)) as cluster:
        yield cluster


@pytest.fixture
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A cluster for one test: a fork of the session's, or, marked `wherry(...)`, one of its own."""
    from wherry.testing import Cluster

    # Of the test's name, so that a test alone has the same luck as in the whole run.
    seed = request.config.stash[_SEED] ^ zlib.crc32(request.node.nodeid.encode())
    marker = request.node.get_closest_marker("wherry")
    if marker is not None:
        made = Cluster(**{"seed": seed, **_options(request.config), **marker.kwargs})
    else:
        made = request.getfixturevalue("wherry_cluster").fork(seed=seed)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def async_cluster(cluster: Cluster) -> AsyncCluster:
    """The same, for tests that are coroutines."""
    from wherry.testing import AsyncCluster

    return AsyncCluster(cluster=cluster)
