from __future__ import annotations

import pytest

from wherry.api import selectable
from wherry.api.resources import BUILTIN, lookup


def fields(resource, **parts):
    return selectable.fields(lookup(resource), {"metadata": {"name": "x", "namespace": "ns"}, **parts})


@pytest.mark.parametrize("resource", BUILTIN, ids=lambda r: f"{r.qualified}/{r.version}")
def test_labels_are_what_fields_gives(resource):
    found = selectable.fields(resource, {"metadata": {"name": "x"}})
    assert found.keys() == selectable.labels(resource)
    assert all(isinstance(value, str) for value in found.values())
    assert ("metadata.namespace" in found) == resource.namespaced


def test_pod():
    found = fields(
        "pods", spec={"nodeName": "n1", "hostNetwork": True}, status={"phase": "Running", "podIPs": [{"ip": "1.2.3.4"}]}
    )
    assert found["spec.nodeName"] == found["spec.host"] == "n1"
    assert found["spec.hostNetwork"] == "true"
    assert found["status.podIP"] == "1.2.3.4"
    assert fields("pods")["spec.hostNetwork"] == "false"


def test_event():
    found = fields(
        "events", involvedObject={"kind": "Pod", "name": "web"}, source={"component": "kubelet"}, type="Normal"
    )
    assert found["involvedObject.kind"] == "Pod"
    assert found["source"] == "kubelet"
    assert fields("events", reportingComponent="me")["source"] == "me"
    assert fields("events.events.k8s.io", regarding={"name": "web"})["regarding.name"] == "web"


def test_others():
    assert fields("replicasets.apps")["status.replicas"] == "0"
    assert fields("jobs.batch", status={"succeeded": 3})["status.successful"] == "3"
    assert fields("secrets", type="Opaque")["type"] == "Opaque"
    assert fields("nodes")["spec.unschedulable"] == "false"
    assert (
        selectable.value(lookup("services"), {"metadata": {}, "spec": {"clusterIP": "None"}}, "spec.clusterIP")
        == "None"
    )


def test_what_is_not_selectable():
    pods = lookup("pods")
    assert selectable.first_unsupported(pods, ["metadata.name", "spec.nodeName"]) is None
    assert selectable.first_unsupported(pods, ["spec.foo"]) == "field label not supported: spec.foo"
