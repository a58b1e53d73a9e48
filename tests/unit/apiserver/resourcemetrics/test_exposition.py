"""Pages of nodes, and what is reckoned from two of them."""

from __future__ import annotations

import pytest

from wherry.apiserver.resourcemetrics.exposition import Page, Point, read
from wherry.apiserver.resourcemetrics.objects import usage, window_text
from wherry.apiserver.resourcemetrics.rates import Use, node_use, pod_uses, use_of

LABELS = '{container="main",namespace="default",pod="web"}'


def test_reads_totals_of_nodes_and_containers() -> None:
    page = read(
        "\n".join(
            (
                "# TYPE node_cpu_usage_seconds_total counter",
                "node_cpu_usage_seconds_total 12.5 1700000000500",
                "node_memory_working_set_bytes 1.5e+09 1700000000500",
                f"container_cpu_usage_seconds_total{LABELS} 2.25 1700000000250",
                f"container_memory_working_set_bytes{LABELS} 4096 1700000000250",
                f"container_start_time_seconds{LABELS} 1699999000",
                'pod_cpu_usage_seconds_total{namespace="default",pod="web"} 2.25 1700000000250',
                "resource_scrape_error 0",
            )
        ),
        now=5.0,
    )
    assert page.node == Point(1700000000.5, 12.5, 1500000000)
    assert page.pods == {("default", "web"): {"main": Point(1700000000.25, 2.25, 4096, 1699999000.0)}}


def test_what_makes_no_sense_is_passed_over() -> None:
    page = read('node_cpu_usage_seconds_total x\ncontainer_start_time_seconds{pod="a"} 1\nnode_\n{', now=5.0)
    assert page == Page()
    assert read("node_cpu_usage_seconds_total 3", now=5.0).node == Point(5.0, 3.0)


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (Point(10, 5, 1, 1), Point(25, 20, 7, 1), Use(25, 15, 1_000_000_000, 7)),
        (None, Point(25, 5, 7, 15), Use(25, 10, 500_000_000, 7)),  # since its start
        (Point(10, 50, 1, 1), Point(25, 1, 7, 20), Use(25, 5, 200_000_000, 7)),  # started again
        (None, Point(25, 5, 7, 24.5), None),  # too young
        (Point(25, 5, 1, 1), Point(25, 5, 1, 1), None),  # the same measurement
        (None, Point(25, 5, 7), None),  # no start is told
    ],
)
def test_use_of_a_container(before: Point | None, now: Point, expected: Use | None) -> None:
    assert use_of(before, now) == expected


def test_a_pod_has_figures_when_all_its_containers_have() -> None:
    old, young = Point(30, 5, 1, 10), Point(30, 0, 1, 29.9)
    assert pod_uses({}, {"a": old, "b": young}) is None
    assert pod_uses({}, {"a": old}) == {"a": Use(30, 20, 250_000_000, 1)}
    assert pod_uses({}, {}) is None


def test_a_node_uses_what_its_counter_says_or_its_containers() -> None:
    now = Page(node=Point(30, 50, 900))
    assert node_use(Page(node=Point(20, 40, 1)), now, []) == Use(30, 10, 1_000_000_000, 900)
    containers = [Use(30, 15, 5, 1), Use(30, 10, 6, 1)]
    assert node_use(None, now, containers) == Use(30, 15, 11, 900)
    assert node_use(Page(node=Point(20, 99, 1)), now, containers) == Use(30, 15, 11, 900)
    assert node_use(None, now, []) is None
    assert node_use(None, Page(), containers) is None


def test_words() -> None:
    assert usage(250_000_000, 3 * 1024**2) == {"cpu": "250m", "memory": "3Mi"}
    assert usage(1_234_567, 1025) == {"cpu": "1234567n", "memory": "1025"}
    assert [window_text(s) for s in (15.0124, 60.5, 3600, 0.25)] == ["15.012s", "1m0.5s", "1h0m0s", "0.25s"]
