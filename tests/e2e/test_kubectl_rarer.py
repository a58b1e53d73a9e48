"""The real kubectl does its rarer work: pruning, replacing, sets, drains, certificates, debugging, dumps."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import urllib.request
from pathlib import Path

import pytest

from wherry.testing.certificates import request_pem

from .conftest import Shell, eventually, kubectl_path

pytestmark = [pytest.mark.e2e, pytest.mark.root]

IMAGE = "wherry.local/host"
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {0}, labels: {{set: a}}}}\ndata: {{x: why}}\n"


def test_apply_prunes_what_the_files_no_longer_have(cluster: Shell, namespace: str) -> None:
    apply = ("apply", "-n", namespace, "-f", "-", "--prune", "-l", "set=a", "--prune-allowlist=core/v1/ConfigMap")
    cluster.kubectl(*apply, input="---\n".join(MAP.format(name) for name in ("one", "two")))
    told = cluster.kubectl(*apply, input=MAP.format("one"))
    assert told == "configmap/one unchanged\nconfigmap/two pruned\n"


def test_apply_sets_prune_too(cluster: Shell, namespace: str) -> None:
    command = [kubectl_path(), "apply", "-n", namespace, "-f", "-", "--prune", "--applyset=configmaps/parts"]
    environment = {**cluster.environment, "KUBECTL_APPLYSET": "true"}
    for names, expected in ((("one", "two"), "configmap/two created"), (("one",), "configmap/two pruned")):
        text = "---\n".join(MAP.format(name) for name in names)
        done = subprocess.run(command, input=text, env=environment, capture_output=True, text=True, check=True)
        assert expected in done.stdout


def test_replace_force_and_kustomize(cluster: Shell, namespace: str, tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text(MAP.format("thing"))
    (tmp_path / "kustomization.yaml").write_text("namePrefix: my-\nresources: [map.yaml]\n")
    assert cluster.kubectl("apply", "-n", namespace, "-k", str(tmp_path)) == "configmap/my-thing created\n"
    assert cluster.kubectl("diff", "-n", namespace, "-k", str(tmp_path)) == ""
    cluster.kubectl("create", "-n", namespace, "-f", str(tmp_path / "map.yaml"))
    before = cluster.json("get", "cm", "thing", "-n", namespace)["metadata"]["uid"]
    told = cluster.kubectl("replace", "--force", "-n", namespace, "-f", str(tmp_path / "map.yaml"))
    assert told.endswith("configmap/thing replaced\n")
    assert cluster.json("get", "cm", "thing", "-n", namespace)["metadata"]["uid"] != before


def test_everything_that_create_makes(cluster: Shell, namespace: str) -> None:
    made = [
        "service clusterip s1 --tcp=80:8080",
        "service nodeport s2 --tcp=80:8080",
        "service loadbalancer s3 --tcp=80:8080",
        "service externalname s4 --external-name=example.com",
        "secret generic g --from-literal=a=b",
        "secret docker-registry r --docker-username=a --docker-password=b --docker-server=x",
        "job j --image=wherry.local/host -- true",
        "cronjob c --image=wherry.local/host --schedule=@hourly -- true",
        "job from --from=cronjob/c",
        "ingress i --rule=a.com/b=s1:80",
        "pdb p --selector=a=b --min-available=1",
        "quota q --hard=pods=20",
        "role r --verb=get --resource=pods",
        "rolebinding r --role=r --user=bob",
        "serviceaccount sa",
        "deployment d --image=wherry.local/host --replicas=0",
    ]
    for line in made:
        assert cluster.kubectl("create", "-n", namespace, *line.split()).endswith(" created\n"), line
    cluster.kubectl("wait", "-n", namespace, "job/from", "--for=condition=complete", "--timeout=30s")
    assert cluster.kubectl("autoscale", "deployment", "d", "-n", namespace, "--max=3").endswith(" autoscaled\n")
    shown = cluster.kubectl("get", "deployment", "d", "-n", namespace, "--subresource=scale")
    assert shown.split()[:4] == ["NAME", "DESIRED", "AVAILABLE", "AGE"]


def test_set_changes_one_thing(cluster: Shell, namespace: str) -> None:
    cluster.kubectl("create", "deployment", "d", "-n", namespace, f"--image={IMAGE}", "--replicas=0")
    for line in (
        "image deployment/d host=other:2",
        "resources deployment/d --limits=cpu=200m,memory=64Mi",
        "serviceaccount deployment/d sa",
    ):
        assert cluster.kubectl("set", "-n", namespace, *line.split()).endswith(" updated\n"), line
    pod = cluster.json("get", "deployment", "d", "-n", namespace)["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == "other:2"
    assert pod["containers"][0]["resources"] == {"limits": {"cpu": "200m", "memory": "64Mi"}}
    assert pod["serviceAccountName"] == "sa"
    cluster.kubectl("rollout", "pause", "-n", namespace, "deployment/d")
    assert cluster.json("get", "deployment", "d", "-n", namespace)["spec"]["paused"] is True
    cluster.kubectl("rollout", "resume", "-n", namespace, "deployment/d")


def test_a_guaranteed_pod_is_debugged(cluster: Shell, namespace: str) -> None:
    limits = {"limits": {"cpu": "100m", "memory": "64Mi"}}
    container = {"name": "box", "image": IMAGE, "command": ["sleep", "1000"], "resources": limits}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "box"}, "spec": {"containers": [container]}}
    cluster.kubectl("create", "-n", namespace, "-f", "-", input=json.dumps(pod))
    cluster.kubectl("wait", "-n", namespace, "pod/box", "--for=condition=Ready", "--timeout=30s")
    assert cluster.json("get", "pod", "box", "-n", namespace)["status"]["qosClass"] == "Guaranteed"
    debug = ("debug", "-n", namespace, "box", f"--image={IMAGE}", "--profile=general")
    cluster.kubectl(*debug, "--target=box", "-c", "dbg", "--", "sleep", "500")
    eventually(lambda: "hi" in cluster.kubectl("exec", "-n", namespace, "box", "-c", "dbg", "--", "echo", "hi"))
    cluster.kubectl(*debug, "--copy-to=copy", "--", "sleep", "10")
    assert len(cluster.json("get", "pod", "copy", "-n", namespace)["spec"]["containers"]) == 2
    cluster.kubectl("delete", "pods", "--all", "-n", namespace, "--now")


def test_cordon_taint_and_drain(cluster: Shell, namespace: str) -> None:
    node = f"{cluster.name}-2"
    override = json.dumps({"spec": {"nodeName": node, "terminationGracePeriodSeconds": 0}})
    cluster.kubectl("run", "box", "-n", namespace, f"--image={IMAGE}", "--overrides", override, "--", "sleep", "1000")
    try:
        assert cluster.kubectl("cordon", node) == f"node/{node} cordoned\n"
        assert "SchedulingDisabled" in cluster.kubectl("get", "node", node)
        told = cluster.kubectl("drain", node, "--force", "--pod-selector=run=box", "--timeout=40s")
        assert f"evicting pod {namespace}/box" in told and f"node/{node} drained" in told
        assert cluster.kubectl("taint", "node", node, "a=b:PreferNoSchedule") == f"node/{node} tainted\n"
        assert cluster.kubectl("taint", "node", node, "a-") == f"node/{node} untainted\n"
    finally:
        cluster.kubectl("uncordon", node)


def test_certificates_are_approved_and_denied(cluster: Shell) -> None:
    for name in ("jane", "joe"):
        spec = {
            "request": request_pem(name),
            "signerName": "kubernetes.io/kube-apiserver-client",
            "usages": ["client auth"],
        }
        obj = {
            "apiVersion": "certificates.k8s.io/v1",
            "kind": "CertificateSigningRequest",
            "metadata": {"name": name},
            "spec": spec,
        }
        cluster.kubectl("create", "-f", "-", input=json.dumps(obj))
    cluster.kubectl("certificate", "approve", "jane")
    cluster.kubectl("certificate", "deny", "joe")
    issued = eventually(lambda: cluster.json("get", "csr", "jane")["status"].get("certificate"))
    assert base64.b64decode(issued).startswith(b"-----BEGIN CERTIFICATE-----")
    assert re.search(r"joe .* Denied$", cluster.kubectl("get", "csr", "joe"), re.M)
    cluster.kubectl("delete", "csr", "jane", "joe")


def test_proxy_and_dump(cluster: Shell, namespace: str, tmp_path: Path) -> None:
    command = [kubectl_path(), "proxy", "--port=0"]
    with subprocess.Popen(command, env=cluster.environment, stdout=subprocess.PIPE, text=True) as proxy:
        assert proxy.stdout is not None
        try:
            port = int(proxy.stdout.readline().rsplit(":", 1)[1])
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/namespaces/{namespace}", timeout=20) as answer:
                assert json.load(answer)["metadata"]["name"] == namespace
        finally:
            proxy.terminate()
    cluster.kubectl("cluster-info", "dump", "--namespaces", namespace, "--output-directory", str(tmp_path))
    assert (tmp_path / namespace / "events.json").exists()
    assert json.loads((tmp_path / "nodes.json").read_text())["kind"] == "NodeList"


def test_waits_events_and_reconcile(cluster: Shell, namespace: str) -> None:
    cluster.kubectl("create", "deployment", "d", "-n", namespace, f"--image={IMAGE}", "--", "sleep", "1000")
    wait = ("wait", "-n", namespace, "deployment/d", "--timeout=40s")
    cluster.kubectl(*wait, "--for=condition=Available")
    cluster.kubectl(*wait, "--for=jsonpath={.status.readyReplicas}=1")
    assert "ScalingReplicaSet" in cluster.kubectl("events", "-n", namespace, "--for", "deployment/d")
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "r", "namespace": namespace},
    }
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    told = cluster.kubectl("auth", "reconcile", "-f", "-", input=json.dumps({**role, "rules": rules}))
    assert "role.rbac.authorization.k8s.io/r reconciled" in told
    asked = ("auth", "can-i", "get", "pods", "-n", namespace, "--as=bob")
    assert cluster.kubectl(*asked, check=False) == "no\n"
    cluster.kubectl("create", "rolebinding", "r", "-n", namespace, "--role=r", "--user=bob")
    assert cluster.kubectl(*asked) == "yes\n"
