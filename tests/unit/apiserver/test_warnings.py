"""What is accepted, but will surprise whoever wrote it, is said in `Warning` headers."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.testing.http import Api
from wherry.testing.manifests import PODS, pod

DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
INGRESSES = "/apis/networking.k8s.io/v1/namespaces/default/ingresses"
BACKEND = {"service": {"name": "s", "port": {"number": 80}}}


def with_spec(name: str = "a", container: Any = None, **spec: Any) -> Any:
    found = pod(name)
    found["spec"] |= spec
    found["spec"]["containers"][0] |= container or {}
    return found


def deployment(container: Any = None) -> Any:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": with_spec(container=container)["spec"]}
    return {"metadata": {"name": "a"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template}}


TWICE = {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)"}, {"name": "A", "value": "2"}]}
CASES: tuple[tuple[str, Any, list[str]], ...] = (
    (PODS, pod("a"), []),
    (PODS, pod("a.b"), ["metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]"]),
    (PODS, with_spec(nodeSelector={"beta.kubernetes.io/os": "linux"}), ['spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead']),
    (PODS, with_spec(container=TWICE), ['spec.containers[0].env[2]: hides previous definition of "A", which may be dropped when using apply']),
    (PODS, with_spec(container={"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "$(A)2"}]}), []),
    (PODS, with_spec(container={"resources": {"requests": {"memory": "100m"}}}), ['spec.containers[0].resources.requests[memory]: fractional byte value "100m" is invalid, must be an integer']),
    (PODS, with_spec(container={"ports": [{"containerPort": 80}, {"containerPort": 80, "name": "x"}]}), ["spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]"]),
    (PODS, with_spec(imagePullSecrets=[{"name": "x"}, {"name": "x"}, {}]), ['spec.imagePullSecrets[1].name: duplicate name "x"', 'spec.imagePullSecrets[2].name: invalid empty name ""']),
    (PODS, with_spec(hostAliases=[{"ip": "1.2.3.4"}, {"ip": "1.2.3.4"}]), ['spec.hostAliases[1].ip: duplicate ip "1.2.3.4"']),
    (PODS, with_spec(topologySpreadConstraints=[{"maxSkew": 1, "topologyKey": "a", "whenUnsatisfiable": "DoNotSchedule"}]), ["spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod"]),
    (DEPLOYMENTS, deployment(TWICE), ['spec.template.spec.containers[0].env[2]: hides previous definition of "A", which may be dropped when using apply']),
    (INGRESSES, {"metadata": {"name": "a", "annotations": {"kubernetes.io/ingress.class": "x"}}, "spec": {"defaultBackend": BACKEND}}, ["annotation \"kubernetes.io/ingress.class\" is deprecated, please use 'spec.ingressClassName' instead"]),
    ("/api/v1/namespaces/default/services", {"metadata": {"name": "a"}, "spec": {"clusterIP": "None", "sessionAffinity": "ClientIP", "ports": [{"port": 80}]}}, ["spec.SessionAffinity is ignored for headless services"]),
    ("/api/v1/persistentvolumes", {"metadata": {"name": "a"}, "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}, "persistentVolumeReclaimPolicy": "Recycle"}}, ["spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning."]),
)  # fmt: skip


async def warned(api: Api, method: str, target: str, body: Any) -> list[str]:
    reply = await api.reply(method, target, body)
    assert reply.status in (200, 201), reply
    head = '299 - "'
    found = [value for name, value in reply.headers if name == "Warning"]
    return [value.removeprefix(head)[:-1].replace('\\"', '"').replace("\\\\", "\\") for value in found]


@pytest.mark.parametrize(("target", "body", "expected"), CASES)
async def test_what_will_surprise_is_said_at_once(api: Api, target: str, body: Any, expected: list[str]) -> None:
    assert await warned(api, "POST", target, body) == expected


async def test_of_a_template_it_is_said_again_when_it_changes(api: Api) -> None:
    made = await api.create(DEPLOYMENTS, deployment(TWICE))
    assert await warned(api, "PUT", f"{DEPLOYMENTS}/a", made) == []
    made["spec"]["template"]["spec"]["containers"][0]["image"] = "other"
    assert len(await warned(api, "PUT", f"{DEPLOYMENTS}/a", made)) == 1
