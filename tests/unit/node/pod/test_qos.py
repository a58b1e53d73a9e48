"""Quality of service, OOM order, requests."""

from wherry.node.pod.qos import cgroup, oom_score_adjust, qos_class
from wherry.node.pod.resources import of_container, pod_request
from wherry.testing.pods import container, pod, sidecar


def with_resources(requests=None, limits=None):
    return container("a", resources={"requests": requests or {}, "limits": limits or {}})


def test_classes():
    equal = {"cpu": "1", "memory": "1Gi"}
    assert qos_class(pod()) == "BestEffort"
    assert qos_class(pod(with_resources(equal, {"cpu": "1000m", "memory": "1Gi"}))) == "Guaranteed"
    assert qos_class(pod(with_resources(limits=equal))) == "Guaranteed"
    assert qos_class(pod(with_resources(equal), "b")) == "Burstable"
    assert cgroup(pod()) == "besteffort/podu" and cgroup(pod(with_resources(limits=equal))) == "podu"


def test_oom_order():
    assert oom_score_adjust(pod(), container("a"), 1) == 1000
    burstable = with_resources({"memory": "256Mi"})
    assert oom_score_adjust(pod(burstable), burstable, 1 << 30) == 750
    guaranteed = with_resources(limits={"cpu": "1", "memory": "1Mi"})
    assert oom_score_adjust(pod(guaranteed), guaranteed, 1) == -997


def test_limits():
    app = with_resources({"cpu": "100m"}, {"memory": "64Mi", "cpu": "0.5"})
    found = of_container(pod(app), app, memory_capacity=1 << 30)
    assert (found.cpu_request_milli, found.cpu_limit_milli, found.memory_limit_bytes) == (100, 500, 64 << 20)


def test_pod_request():
    asks = lambda amount: {"resources": {"requests": {"cpu": amount}}}
    wanted = pod(container("a", **asks("1")), init=(sidecar("s", **asks("500m")), container("i", **asks("2"))))
    assert pod_request(wanted, "cpu") == 2500
