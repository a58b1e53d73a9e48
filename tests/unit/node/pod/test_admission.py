"""What a node refuses, and how it says so."""

import pytest

from wherry.node.pod.admission import check
from wherry.testing.pods import container, pod

NODE = {
    "metadata": {"name": "here", "labels": {"zone": "a"}},
    "spec": {},
    "status": {"allocatable": {"cpu": "2", "memory": "1Gi", "pods": "3"}},
}


def asking(cpu, **extra):
    return pod(container("a", resources={"requests": {"cpu": cpu}}), **extra)


def test_fits():
    assert check(asking("1"), NODE, [asking("1", uid="o")]) is None


@pytest.mark.parametrize(
    ("wanted", "reason", "message"),
    [
        (
            asking("1500m"),
            "OutOfcpu",
            "Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000",
        ),
        (
            pod(nodeSelector={"zone": "b"}),
            "NodeAffinity",
            "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
        ),
        (
            pod(container("a", ports=[{"containerPort": 1, "hostPort": 80}])),
            "NodePorts",
            "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
        ),
        (pod(os={"name": "windows"}), "PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS"),
    ],
)
def test_refused(wanted, reason, message):
    other = asking("1", uid="o")
    other["spec"]["containers"][0]["ports"] = [{"containerPort": 2, "hostPort": 80}]
    found = check(wanted, NODE, [other])
    assert (found.reason, found.message) == (reason, f"Pod was rejected: {message}")


def test_finished_pods_do_not_count():
    done = {**asking("2", uid="o"), "status": {"phase": "Succeeded"}}
    assert check(asking("2"), NODE, [done]) is None


def test_too_many_pods():
    others = [pod(uid=str(number)) for number in range(3)]
    assert check(pod(), NODE, others).reason == "OutOfpods"
