"""Quotas, limit ranges and pod security on a real cluster with a durable store, as the users of kubectl see them."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from .conftest import Shell, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.root]

IMAGE = "wherry.local/host"


def run(cluster: Shell, namespace: str, name: str, *options: str) -> str:
    """What kubectl says to a new pod, whether it was let in or not."""
    command = ("run", name, "-n", namespace, f"--image={IMAGE}", "--restart=Never", *options, "--", "sleep", "1000")
    return cluster.kubectl(*command, check=False)


def used(cluster: Shell, namespace: str) -> dict[str, str]:
    found: dict[str, str] = cluster.json("get", "-n", namespace, "resourcequota", "q")["status"].get("used", {})
    return found


def test_parallel_creates_stop_at_the_quota_and_deleting_makes_room(cluster: Shell, namespace: str) -> None:
    cluster.kubectl("create", "quota", "q", "-n", namespace, "--hard=pods=2,count/configmaps=50")
    eventually(lambda: used(cluster, namespace).get("pods") == "0")
    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(lambda number: run(cluster, namespace, f"p{number}"), range(4)))
    refused = [text for text in said if "exceeded quota: q, requested: pods=1" in text]
    assert len(refused) == 2, said
    pods = cluster.kubectl("get", "pods", "-n", namespace, "-o", "name").split()
    assert len(pods) == 2
    cluster.kubectl("delete", "-n", namespace, pods[0], "--grace-period=1")
    eventually(lambda: used(cluster, namespace)["pods"] == "1")
    assert "created" in run(cluster, namespace, "again")


def test_what_containers_leave_open_is_filled_in(cluster: Shell, namespace: str) -> None:
    item = {"type": "Container", "default": {"memory": "64Mi"}, "max": {"memory": "128Mi"}}
    limits = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "l"}, "spec": {"limits": [item]}}
    cluster.kubectl("apply", "-n", namespace, "-f", "-", input=json.dumps(limits))
    run(cluster, namespace, "box")
    resources = cluster.json("get", "-n", namespace, "pod", "box")["spec"]["containers"][0]["resources"]
    assert resources == {"limits": {"memory": "64Mi"}, "requests": {"memory": "64Mi"}}


def test_labels_of_a_namespace_decide_what_pods_may(cluster: Shell, namespace: str) -> None:
    run(cluster, namespace, "early", "--privileged")
    label = "pod-security.kubernetes.io/enforce=baseline"
    said = cluster.kubectl("label", "namespace", namespace, label, "pod-security.kubernetes.io/warn=restricted", check=False)  # fmt: skip
    assert "existing pods in namespace" in said and "early: privileged" in said
    assert 'violates PodSecurity "baseline:latest": privileged (container "late"' in run(
        cluster, namespace, "late", "--privileged"
    )
    warned = run(cluster, namespace, "plain")
    assert 'Warning: would violate PodSecurity "restricted:latest"' in warned and "created" in warned
