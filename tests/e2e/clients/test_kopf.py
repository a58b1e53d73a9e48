"""kopf: an operator with every kind of handler, kept by a peer, asked by admission, leaving nothing behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kopf.testing import KopfRunner

from wherry.api.errors import StatusError
from wherry.base.clock import RealClock
from wherry.distro.pki import Authority, Profile
from wherry.testing import Cluster

from ..conftest import eventually
from .conftest import crontab

pytestmark = pytest.mark.e2e

PEERING = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: clusterkopfpeerings.kopf.dev}
spec:
  scope: Cluster
  group: kopf.dev
  names: {kind: ClusterKopfPeering, plural: clusterkopfpeerings, singular: clusterkopfpeering}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, properties: {status: {type: object, x-kubernetes-preserve-unknown-fields: true}}}}
---
apiVersion: kopf.dev/v1
kind: ClusterKopfPeering
metadata: {name: crontabs}
"""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("webhook")
    authority = Authority(directory, clock=RealClock())
    authority.ensure()
    authority.issue("webhook", Profile(common_name="localhost", dns_names=("localhost",), server=True))
    return directory


@pytest.fixture(scope="module")
def operator(plane: Cluster, certificates: Path) -> Iterator[KopfRunner]:
    """Once for all tests: kopf keeps the handlers of a program that is loaded a second time twice."""
    plane.apply(PEERING)
    program = Path(__file__).with_name("crontabs_operator.py")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("KUBECONFIG", str(plane.kubeconfig))
        environment.setenv("CRONTABS_CERTIFICATES", str(certificates))
        with KopfRunner(["run", "--all-namespaces", "--verbose", str(program)], timeout=60) as runner:
            eventually(lambda: webhooks(plane), seconds=30)
            yield runner
    assert runner.exit_code == 0, runner.output
    peers = plane.get("clusterkopfpeering/crontabs").get("status", {})
    assert not any(peers.values()), "the operator did not take its leave"


def webhooks(plane: Cluster) -> bool:
    """Both configurations of the operator name its server."""
    found = [*plane.list("mutatingwebhookconfigurations"), *plane.list("validatingwebhookconfigurations")]
    return len(found) == 2 and all(each.get("webhooks") for each in found)


def tab(name: str, namespace: str, *, annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "annotations": annotations or {}, "labels": {}}
    return {**crontab(name, **spec), "metadata": metadata}


def status(plane: Cluster, namespace: str, name: str = "tab") -> dict[str, Any]:
    return plane.get(f"crontab/{name}", namespace=namespace).get("status", {})


def test_an_operators_life(plane: Cluster, namespace: str, operator: KopfRunner) -> None:
    # Peering: the operator tells that it lives.
    peers = eventually(lambda: plane.get("clusterkopfpeering/crontabs").get("status"))
    assert [peer["priority"] for peer in peers.values()] == [100]

    # Handlers, their results and progress in the status; a retry; the finalizer.
    made = tab("tab", namespace, replicas=2)
    made["metadata"]["labels"] = {"twice": "yes"}
    plane.apply(made)
    eventually(lambda: status(plane, namespace).get("fail_once") == {"retry": 1})
    seen = plane.get("crontab/tab", namespace=namespace)
    assert seen["status"]["ensure"] == {"seen": 2}
    assert seen["metadata"]["finalizers"] == ["stable.example.com/kopf"]
    handled = json.loads(seen["metadata"]["annotations"]["kopf.zalando.org/last-handled-configuration"])
    assert handled["spec"] == {"cron": "* * * * *", "replicas": 2}
    plane.patch("crontab/tab", {"spec": {"replicas": 4}}, namespace=namespace)
    eventually(lambda: status(plane, namespace).get("ensure/spec") == {"seen": 4})
    eventually(lambda: told(plane, namespace, "2 replicas"))

    # An index of other objects, and a handler of one field.
    labels = {"name": "red-one", "namespace": namespace, "labels": {"colour": "red"}}
    plane.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": labels})
    eventually(lambda: recoloured(plane, namespace) == ["red-one"])

    # A timer and a daemon.
    plane.patch("crontab/tab", {"metadata": {"annotations": {"ticking": "", "haunted": ""}}}, namespace=namespace)
    eventually(lambda: status(plane, namespace).get("ticks", 0) >= 2)
    eventually(lambda: told(plane, namespace, "somebody is here"))

    # Deletion waits for the operator.
    plane.delete("crontab/tab", namespace=namespace)
    plane.wait_for("crontab/tab", "deleted", namespace=namespace)
    eventually(lambda: told(plane, namespace, "Handler 'farewell' succeeded"))
    eventually(lambda: told(plane, namespace, "nobody is left"))


def told(plane: Cluster, namespace: str, words: str) -> bool:
    """An event of the operator has these words."""
    return any(words in event.get("message", "") for event in plane.list("events", namespace=namespace))


def recoloured(plane: Cluster, namespace: str) -> list[str]:
    """Take the colour away and set it again: the index may have come after the first change."""
    for colour in (None, "red"):
        plane.patch("crontab/tab", {"metadata": {"labels": {"colour": colour}}}, namespace=namespace)
    return eventually(lambda: status(plane, namespace).get("maps"))


def test_admission_is_asked(plane: Cluster, namespace: str, operator: KopfRunner) -> None:
    plane.apply(tab("good", namespace))
    annotations = plane.get("crontab/good", namespace=namespace)["metadata"]["annotations"]
    assert annotations["stable.example.com/by"]
    with pytest.raises(StatusError, match="that selector is forbidden") as refused:
        plane.apply(tab("bad", namespace, selector="forbidden"))
    assert refused.value.status_code == 451
    with pytest.raises(StatusError, match="that selector is forbidden"):
        plane.patch("crontab/good", {"spec": {"selector": "forbidden"}}, namespace=namespace)
    eventually(lambda: status(plane, namespace, "good").get("ensure") == {"seen": 1})
    plane.apply(tab("heavy", namespace, replicas=10))
    eventually(lambda: told(plane, namespace, "Handler 'ensure' failed permanently: too many"))
    for name in ("good", "heavy"):
        plane.delete(f"crontab/{name}", namespace=namespace)
        plane.wait_for(f"crontab/{name}", "deleted", namespace=namespace)
