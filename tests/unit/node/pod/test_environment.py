"""Environment variables: expansion, references, service links."""

import base64

import pytest

from wherry.node.pod.environment import EnvironmentProblem, build
from wherry.node.pod.expansion import expand
from wherry.node.pod.fields import Identity, format_map
from wherry.node.pod.references import Reference, of_pod
from wherry.testing.pods import container, pod


class Objects:
    def __init__(self, **objects):
        self.objects = objects

    def find(self, resource, name):
        return self.objects.get(name)


SERVICES = [
    {
        "metadata": {"name": "kubernetes", "namespace": "default"},
        "spec": {"clusterIP": "10.0.0.1", "ports": [{"name": "https", "port": 443}]},
    },
    {
        "metadata": {"name": "my-db", "namespace": "n"},
        "spec": {"clusterIP": "10.0.0.2", "ports": [{"port": 5432}]},
    },
    {"metadata": {"name": "headless", "namespace": "n"}, "spec": {"clusterIP": "None"}},
]


def variables(app, lookup=None, services=(), identity=None, ports=None, **extra):
    wanted = pod(app, **extra)
    return build(
        wanted, app, lookup=lookup or Objects(), services=services, identity=identity or Identity(), ports=ports
    )


def test_expand():
    known = {"A": "1"}
    assert expand("$(A) $(B) $$(A) $A $", known) == "1 $(B) $(A) $A $"


def test_values_build_on_each_other():
    app = container("a", env=[{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)2$(C)"}])
    assert variables(app) == {"A": "1", "B": "12$(C)"}


def test_config_map_and_secret():
    lookup = Objects(
        c={"kind": "ConfigMap", "data": {"k": "v", "bad=name": "x"}},
        s={"kind": "Secret", "data": {"p": base64.b64encode(b"word").decode()}},
    )
    app = container(
        "a",
        envFrom=[{"configMapRef": {"name": "c"}, "prefix": "X_"}, {"secretRef": {"name": "no", "optional": True}}],
        env=[
            {"name": "P", "valueFrom": {"secretKeyRef": {"name": "s", "key": "p"}}},
            {"name": "O", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "no", "optional": True}}},
        ],
    )
    assert variables(app, lookup) == {"X_k": "v", "P": "word"}
    assert of_pod(pod(app)) == {Reference("configmaps", "c"), Reference("secrets", "no"), Reference("secrets", "s")}


@pytest.mark.parametrize(
    ("key", "message"),
    [("c", "couldn't find key k in ConfigMap n/c"), ("no", 'configmap "no" not found')],
)
def test_missing(key, message):
    app = container("a", env=[{"name": "A", "valueFrom": {"configMapKeyRef": {"name": key, "key": "k"}}}])
    with pytest.raises(EnvironmentProblem, match=message):
        variables(app, Objects(c={"kind": "ConfigMap"}))


def test_fields():
    identity = Identity(pod_addresses=("10.1.1.1",), node_name="here", allocatable={"cpu": "2", "memory": "1Gi"})
    paths = ["metadata.name", "metadata.namespace", "metadata.uid", "status.podIP", "spec.nodeName"]
    env = [{"name": f"F{i}", "valueFrom": {"fieldRef": {"fieldPath": path}}} for i, path in enumerate(paths)]
    env.append({"name": "C", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}})
    env.append({"name": "M", "valueFrom": {"resourceFieldRef": {"resource": "requests.memory", "divisor": "1Mi"}}})
    app = container("a", env=env, resources={"requests": {"memory": "1500Ki"}})
    found = variables(app, identity=identity)
    assert list(found.values()) == ["p", "n", "u", "10.1.1.1", "here", "2000", "2"]


def test_service_links():
    found = variables(container("a"), services=SERVICES)
    assert found["KUBERNETES_SERVICE_PORT_HTTPS"] == "443"
    assert found["KUBERNETES_PORT_443_TCP"] == "tcp://10.0.0.1:443"
    assert found["MY_DB_SERVICE_HOST"] == "10.0.0.2" and found["MY_DB_PORT"] == "tcp://10.0.0.2:5432"
    assert "HEADLESS_SERVICE_HOST" not in found
    assert "MY_DB_SERVICE_HOST" not in variables(container("a"), services=SERVICES, enableServiceLinks=False)


def test_mapped_ports():
    app = container("a", ports=[{"containerPort": 8080}], env=[{"name": "PORT", "value": "own"}])
    assert variables(app, ports={8080: 40001}) == {"PORT": "own", "WHERRY_PORT_8080": "40001"}


def test_format_map():
    assert format_map({"b": 'x"y', "a": "1"}) == 'a="1"\nb="x\\"y"'
