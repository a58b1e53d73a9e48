"""The rows of `wherry top`."""

from __future__ import annotations

from wherry.api.types import Object
from wherry.cli.usage.rows import node_rows, pod_header, pod_rows, sum_rows


def pod(name: str, namespace: str, *usages: tuple[str, str]) -> Object:
    containers = [{"name": f"c{n}", "usage": {"cpu": cpu, "memory": m}} for n, (cpu, m) in enumerate(usages)]
    return {"metadata": {"name": name, "namespace": namespace}, "containers": containers}


PODS = [pod("b", "x", ("250m", "10Mi"), ("1500000n", "3000Ki")), pod("a", "y", ("1", "1Mi"))]


def test_pods_by_namespace_and_name_or_by_use() -> None:
    assert pod_rows(PODS, namespaces=True) == [["x", "b", "252m", "12Mi"], ["y", "a", "1000m", "1Mi"]]
    assert [row[0] for row in pod_rows(PODS, sort_by="cpu")] == ["a", "b"]
    assert [row[0] for row in pod_rows(PODS, sort_by="memory")] == ["b", "a"]


def test_containers_and_the_sum() -> None:
    assert pod_header(namespaces=False, containers=True) == ["POD", "NAME", "CPU(cores)", "MEMORY(bytes)"]
    assert pod_rows(PODS[:1], containers=True) == [["b", "c0", "250m", "10Mi"], ["b", "c1", "2m", "2Mi"]]
    assert sum_rows(PODS, 3) == [["", "________", "________"], ["", "1252m", "13Mi"]]


def test_nodes_with_their_share_and_those_without_figures() -> None:
    metrics: list[Object] = [{"metadata": {"name": "n"}, "usage": {"cpu": "1", "memory": "1Gi"}}]
    available = {"n": {"cpu": "4", "memory": "3Gi"}, "m": {"cpu": "1"}}
    assert node_rows(metrics, available) == [
        ["n", "1000m", "25%", "1024Mi", "33%"],
        ["m", "<unknown>", "<unknown>", "<unknown>", "<unknown>"],
    ]
