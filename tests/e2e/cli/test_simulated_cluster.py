"""Clusters of fake nodes by the command line: many nodes, a clock that is moved, parts that are switched off."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from ..conftest import Shell, eventually

pytestmark = pytest.mark.e2e

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default}
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {wherry.dev/fake-log: hello, wherry.dev/fake-ready-delay: 30m}}
    spec: {containers: [{name: main, image: web}]}
"""
JOB = """
apiVersion: batch/v1
kind: Job
metadata: {name: once, namespace: default}
spec:
  template: {spec: {restartPolicy: Never, containers: [{name: main, image: once}]}}
"""


@pytest.fixture(scope="module")
def simulated(make_cluster: Callable[..., Shell]) -> Shell:
    options = ("--clock", "virtual", "--nodes", "300", "--disable-controllers", "job", "--leader-elect")
    return make_cluster("simulated", *options)


def ready(shell: Shell) -> int:
    found = json.loads(shell.wherry("get", "deployment", "web", "-o", "json"))
    count: int = found["status"].get("readyReplicas", 0)
    return count


def test_hundreds_of_nodes_are_ready(simulated: Shell) -> None:
    nodes = json.loads(simulated.wherry("get", "nodes", "-o", "json"))["items"]
    assert len(nodes) == 300
    assert all(c["status"] == "True" for n in nodes for c in n["status"]["conditions"] if c["type"] == "Ready")


def test_time_is_moved(simulated: Shell) -> None:
    simulated.wherry("apply", "-f", "-", input=DEPLOYMENT)
    eventually(lambda: simulated.wherry("get", "pods", "--no-headers").count("Running") == 4)
    assert ready(simulated) == 0
    before = json.loads(simulated.wherry("clock", "show", "simulated", "-o", "json"))
    after = json.loads(simulated.wherry("clock", "advance", "31m", "simulated", "-o", "json"))
    assert after["ahead"] - before["ahead"] > 1800
    assert ready(simulated) == 4
    assert simulated.wherry("logs", "deployment/web").strip() == "hello"


def test_a_controller_that_is_switched_off_does_nothing(simulated: Shell) -> None:
    simulated.wherry("apply", "-f", "-", input=JOB)
    simulated.wherry("clock", "advance", "5m", "simulated")
    assert json.loads(simulated.wherry("get", "job", "once", "-o", "json"))["status"] == {}


def test_leaders_hold_their_leases(simulated: Shell) -> None:
    leases = json.loads(simulated.wherry("get", "leases", "-n", "kube-system", "-o", "json"))["items"]
    holders = {lease["metadata"]["name"]: lease["spec"]["holderIdentity"] for lease in leases}
    assert {"kube-controller-manager", "kube-scheduler"} <= holders.keys()
    assert all("_wherry-simulated-" in holders[name] for name in ("kube-controller-manager", "kube-scheduler"))


def test_a_real_clock_is_not_moved(make_cluster: Callable[..., Shell]) -> None:
    shell = make_cluster("on-time", "--runtime", "fake", "--no-scheduler", "--memory")
    assert "cannot be moved: make one on a virtual clock" in shell.wherry(
        "clock", "advance", "1h", "on-time", check=False
    )
    shell.wherry("apply", "-f", "-", input=DEPLOYMENT)
    eventually(lambda: shell.wherry("get", "pods", "--no-headers").count("Pending") == 4)
