"""A control plane with a node that pretends, served over TLS, for client libraries as they are installed from PyPI."""

from __future__ import annotations

import gc
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.testing import Cluster

CRONTAB = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: crontabs.stable.example.com}
spec:
  group: stable.example.com
  scope: Namespaced
  names: {plural: crontabs, singular: crontab, kind: CronTab, shortNames: [ct]}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              required: [cron]
              properties:
                cron: {type: string, pattern: '^([^ ]+ ){4}[^ ]+$'}
                replicas: {type: integer, default: 1}
                selector: {type: string}
            status: {type: object, x-kubernetes-preserve-unknown-fields: true}
      subresources:
        status: {}
        scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}
"""


@pytest.fixture(scope="session")
def session_cluster() -> Iterator[Cluster]:
    with Cluster(nodes=1) as cluster:
        cluster.apply(CRONTAB)
        cluster.wait_for("crd/crontabs.stable.example.com", "Established")
        cluster.wait_for("serviceaccount/default")
        yield cluster


@pytest.fixture(scope="module")
def plane(session_cluster: Cluster) -> Iterator[Cluster]:
    """One cluster for each library, with the definition of `CronTab`."""
    with session_cluster.fork() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def garbage() -> Iterator[None]:
    """kr8s never closes its connections. They are collected here, and not in somebody else's test."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def namespace(plane: Cluster, request: pytest.FixtureRequest) -> str:
    """A namespace of the test's own, with its service account."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())[:50].strip("-")
    plane.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    plane.wait_for("serviceaccount/default", namespace=name)
    return name


@pytest.fixture
def service_account_files(plane: Cluster, tmp_path: Path) -> Path:
    """The files that a pod's service account finds at /var/run/secrets/kubernetes.io/serviceaccount."""
    import kubernetes

    with kubernetes.config.new_client_from_config(str(plane.kubeconfig)) as admin:
        request = {"spec": {"expirationSeconds": 3600}}
        core = kubernetes.client.CoreV1Api(admin)
        token = core.create_namespaced_service_account_token("default", "default", request).status.token
    (tmp_path / "token").write_text(token)
    (tmp_path / "ca.crt").write_bytes(plane.ca.read_bytes())
    (tmp_path / "namespace").write_text("default")
    return tmp_path


def deployment(name: str, namespace: str, *, replicas: int = 2, image: str = "web:1") -> dict[str, object]:
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "web", "image": image, "ports": [{"containerPort": 80}]}]},
            },
        },
    }


def config_map(name: str, **data: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def crontab(name: str, **spec: object) -> dict[str, object]:
    return {
        "apiVersion": "stable.example.com/v1",
        "kind": "CronTab",
        "metadata": {"name": name},
        "spec": {"cron": "* * * * *", **spec},
    }
