"""Small default plugins: default classes, growing claims, runtime classes, topology labels; and switching plugins off."""

from __future__ import annotations

import pytest

from wherry.api.types import Object
from wherry.apiserver.config import ServerConfig
from wherry.base.fake_clock import FakeClock
from wherry.testing.apiserver import in_process_server
from wherry.testing.http import Api
from wherry.testing.manifests import PODS, pod

CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims"
CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
RUNTIMES = "/apis/node.k8s.io/v1/runtimeclasses"
NETWORKING = "/apis/networking.k8s.io/v1"
DEFAULT = {"storageclass.kubernetes.io/is-default-class": "true"}


def claim(name: str = "c", storage: str = "1Gi", **spec: object) -> Object:
    wanted = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage}}, **spec}
    return {"metadata": {"name": name}, "spec": wanted}


def storage_class(name: str, **rest: object) -> Object:
    return {"metadata": {"name": name, "annotations": DEFAULT}, "provisioner": "example.com/x", **rest}


async def test_a_claim_without_a_class_gets_the_newest_default(api: Api) -> None:
    assert "storageClassName" not in (await api.create(CLAIMS, claim("before")))["spec"]
    await api.create(CLASSES, storage_class("old"))
    await api.clock.advance(2)
    await api.create(CLASSES, storage_class("z"))
    await api.create(CLASSES, storage_class("new"))
    assert (await api.create(CLAIMS, claim()))["spec"]["storageClassName"] == "new"
    assert (await api.create(CLAIMS, claim("none", storageClassName="")))["spec"]["storageClassName"] == ""


async def test_an_ingress_without_a_class_gets_the_default(api: Api) -> None:
    backend = {"service": {"name": "s", "port": {"number": 80}}}
    ingresses = f"{NETWORKING}/namespaces/default/ingresses"
    annotations = {"ingressclass.kubernetes.io/is-default-class": "true"}
    spec = {"controller": "example.com/x"}
    await api.create(
        f"{NETWORKING}/ingressclasses", {"metadata": {"name": "web", "annotations": annotations}, "spec": spec}
    )
    made = await api.create(ingresses, {"metadata": {"name": "i"}, "spec": {"defaultBackend": backend}})
    assert made["spec"]["ingressClassName"] == "web"
    old = {"name": "old", "annotations": {"kubernetes.io/ingress.class": "other"}}
    made = await api.create(ingresses, {"metadata": old, "spec": {"defaultBackend": backend}})
    assert "ingressClassName" not in made["spec"]


async def test_a_claim_grows_only_when_bound_and_where_the_class_allows_it(api: Api) -> None:
    await api.create(CLASSES, storage_class("fixed"))
    await api.create(CLAIMS, claim())
    bigger = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}
    unbound = await api.patch(f"{CLAIMS}/c", bigger)
    assert unbound.status == 422
    assert "for bound claims" in unbound.message
    await api.patch(f"{CLAIMS}/c/status", {"status": {"phase": "Bound"}})
    refused = await api.patch(f"{CLAIMS}/c", bigger)
    assert refused.status == 403
    assert "the storageclass that provisions the pvc must support resize" in refused.message
    await api.patch(f"{CLASSES}/fixed", {"allowVolumeExpansion": True})
    assert (await api.patch(f"{CLAIMS}/c", bigger)).status == 200


async def test_a_runtime_class_gives_a_pod_its_overhead_and_its_place(api: Api) -> None:
    missing = pod("p")
    missing["spec"]["runtimeClassName"] = "vm"
    assert (await api("POST", PODS, missing)).message == (
        'pods "p" is forbidden: pod rejected: RuntimeClass "vm" not found'
    )
    toleration = {"key": "vm", "operator": "Exists"}
    scheduling = {"nodeSelector": {"vm": "yes"}, "tolerations": [toleration]}
    overhead = {"podFixed": {"memory": "64Mi"}}
    await api.create(
        RUNTIMES, {"metadata": {"name": "vm"}, "handler": "vm", "overhead": overhead, "scheduling": scheduling}
    )
    spec = (await api.create(PODS, missing))["spec"]
    assert (spec["overhead"], spec["nodeSelector"]) == ({"memory": "64Mi"}, {"vm": "yes"})
    assert toleration in spec["tolerations"]
    conflict = pod("q")
    conflict["spec"] |= {"runtimeClassName": "vm", "nodeSelector": {"vm": "no"}}
    assert (await api("POST", PODS, conflict)).message.endswith(
        "conflict: runtimeClass.scheduling.nodeSelector[vm] = yes; pod.spec.nodeSelector[vm] = no"
    )
    own = pod("r")
    own["spec"]["overhead"] = {"cpu": "1"}
    assert (await api("POST", PODS, own)).message.endswith(
        "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
    )


async def test_a_bound_pod_is_labelled_with_zone_and_region_of_its_node(api: Api) -> None:
    labels = {"topology.kubernetes.io/zone": "z1", "topology.kubernetes.io/region": "r1", "other": "x"}
    await api.create("/api/v1/nodes", {"metadata": {"name": "n", "labels": labels}})
    await api.create(PODS, pod("p"))
    binding = {
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"name": "p"},
        "target": {"kind": "Node", "name": "n"},
    }
    await api.create(f"{PODS}/p/binding", binding)
    found = (await api("GET", f"{PODS}/p")).body["metadata"]["labels"]
    assert {key: value for key, value in found.items() if "topology" in key} == {
        "topology.kubernetes.io/zone": "z1",
        "topology.kubernetes.io/region": "r1",
    }
    assert "other" not in found


async def test_plugins_can_be_switched_off_by_upstreams_names() -> None:
    clock = FakeClock()
    config = ServerConfig(disabled_admission=frozenset({"DefaultTolerationSeconds"}))
    async with in_process_server(clock=clock, config=config) as server:
        made = await Api(server, clock).create(PODS, pod("p"))
        assert "tolerations" not in made["spec"]
    with pytest.raises(ValueError, match=r"unknown admission plugins: Tolerations; there are: .*Priority"):
        async with in_process_server(config=ServerConfig(disabled_admission=frozenset({"Tolerations"}))):
            pass
