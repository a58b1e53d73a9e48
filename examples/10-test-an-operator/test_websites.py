"""The operator against a whole cluster: real API server, controllers and scheduler; nodes whose pods only pretend."""

from pathlib import Path

import pytest
from kopf.testing import KopfRunner

HERE = Path(__file__).parent

WEBSITE = {
    "apiVersion": "example.com/v1",
    "kind": "Website",
    "metadata": {"name": "shop"},
    "spec": {"image": "shop:1", "replicas": 3},
}


@pytest.fixture(scope="session", autouse=True)
def definitions(wherry_cluster):
    """Once for all tests: each gets a fork of this cluster."""
    wherry_cluster.apply(HERE / "definition.yaml")
    wherry_cluster.wait_for("crd/websites.example.com", "Established")


@pytest.fixture
def operator(cluster, monkeypatch):
    """The operator itself, in this process, on the test's own cluster."""
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    with KopfRunner(["run", "--all-namespaces", "--standalone", str(HERE / "websites.py")]) as runner:
        yield runner
    assert runner.exit_code == 0, runner.output


def test_a_website_gets_its_pods(cluster, operator):
    cluster.apply(WEBSITE)
    cluster.wait_for("website/shop", "{.status.ready}=3")
    images = {pod["spec"]["containers"][0]["image"] for pod in cluster.list("pods", namespace="default")}
    assert images == {"shop:1"}
    cluster.patch("website/shop", {"spec": {"replicas": 1}})
    cluster.wait_for("website/shop", "{.status.ready}=1")


def test_what_is_deleted_takes_everything_with_it(cluster, operator):
    cluster.apply(WEBSITE)
    cluster.wait_for("website/shop", "{.status.ready}=3")
    cluster.delete("website/shop")
    cluster.wait_for("deployment/shop", "deleted")
    cluster.wait_for("website/shop", "deleted")


def test_it_tries_again_when_the_api_server_stumbles(cluster, operator):
    with cluster.faults.fail(verb="create", resource="deployments", times=2, code=503) as fault:
        cluster.apply(WEBSITE)
        cluster.wait_for("website/shop", "{.status.ready}=3")
    assert fault.struck == 2


def test_a_lost_node_shows_and_heals(cluster, operator):
    cluster.apply(WEBSITE)
    cluster.wait_for("website/shop", "{.status.ready}=3")
    cluster.kill_node("node-1")
    cluster.clock.advance("1m")  # the node counts as lost after 40 seconds
    cluster.wait_for("website/shop", "{.status.ready}=0")
    cluster.restore_node("node-1")
    cluster.wait_for("website/shop", "{.status.ready}=3")
