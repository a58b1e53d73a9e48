"""The real kubectl against the API server over TLS: no other parts of a cluster are running.

Imperative `create` commands send protocol buffers, whose contents must come out as what kubectl shows as JSON.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from wherry.base.clock import RealClock
from wherry.testing.apiserver import client_of
from wherry.testing.served import Served, served

pytestmark = pytest.mark.e2e

MANIFEST = """
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {a: "1"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: a, image: busybox, ports: [{containerPort: 80}]}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""


@dataclass
class Kubectl:
    """`await kubectl("get", "pods")` gives what it prints; a failure fails the test unless it is expected."""

    at: Served
    directory: Path

    async def __call__(self, *arguments: str, stdin: str = "", fails: bool = False) -> str:
        process = await asyncio.create_subprocess_exec(
            "kubectl", "--kubeconfig", str(self.at.kubeconfig), "--cache-dir", str(self.directory / "cache"), *arguments,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await asyncio.wait_for(process.communicate(stdin.encode()), 30)
        assert (process.returncode != 0) == fails, err.decode()
        return err.decode() if fails else out.decode()

    async def object(self, *arguments: str) -> Any:
        return json.loads(await self(*arguments, "-o", "json"))


@pytest.fixture
async def kubectl(tmp_path: Path) -> AsyncIterator[Kubectl]:
    async with served(tmp_path) as at:
        client = client_of(at.server, clock=RealClock())
        await client.create("serviceaccounts", {"metadata": {"name": "default", "namespace": "default"}})
        yield Kubectl(at, tmp_path)


async def test_apply_is_idempotent_and_merges(kubectl: Kubectl) -> None:
    first = await kubectl("apply", "-f", "-", stdin=MANIFEST)
    assert first.splitlines() == ["configmap/web created", "deployment.apps/web created", "service/web created"]
    assert "configured" not in await kubectl("apply", "-f", "-", stdin=MANIFEST)
    changed = await kubectl("apply", "-f", "-", stdin=MANIFEST.replace("busybox", "busybox:2"))
    assert "deployment.apps/web configured" in changed
    image = "jsonpath={.spec.template.spec.containers[0].image}"
    assert await kubectl("get", "deployment", "web", "-o", image) == "busybox:2"
    assert await kubectl("diff", "-f", "-", stdin=MANIFEST.replace("busybox", "busybox:2")) == ""
    await kubectl("delete", "-f", "-", stdin=MANIFEST)
    assert "NotFound" in await kubectl("get", "deployment", "web", fails=True)


async def test_get_prints_the_servers_tables(kubectl: Kubectl) -> None:
    await kubectl("run", "one", "--image=busybox")
    lines = (await kubectl("get", "pods", "-A")).splitlines()
    assert lines[0].split() == ["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert lines[1].split()[:5] == ["default", "one", "0/1", "Pending", "0"]
    assert (await kubectl("get", "pods", "-o", "name")).strip() == "pod/one"
    assert "Service Account:  default" in await kubectl("describe", "pod", "one")
    assert "one" in await kubectl("get", "pods", "-l", "run=one", "-o", "yaml")


async def test_discovery_and_explain(kubectl: Kubectl) -> None:
    assert "deployments" in await kubectl("api-resources", "--api-group=apps")
    assert "FIELD: image <string>" in await kubectl("explain", "pod.spec.containers.image")
    assert "v1.36.0" in await kubectl("version")


async def test_explain_from_the_second_openapi_which_comes_in_protobuf(kubectl: Kubectl) -> None:
    told = await kubectl("explain", "deployment.spec", "--output=plaintext-openapiv2")
    assert "RESOURCE: spec <Object>" in told
    assert "template\t<Object> -required-" in told


async def test_small_changes(kubectl: Kubectl) -> None:
    await kubectl("apply", "-f", "-", stdin=MANIFEST)
    await kubectl("scale", "deployment", "web", "--replicas=3")
    await kubectl("set", "image", "deployment/web", "a=busybox:3")
    await kubectl("label", "deployment", "web", "tier=front")
    await kubectl("annotate", "deployment", "web", "note=here")
    await kubectl(
        "patch", "deployment", "web", "--type=json", "-p", '[{"op":"add","path":"/spec/paused","value":true}]'
    )
    await kubectl("expose", "deployment", "web", "--name=again", "--port=80")
    web = await kubectl.object("get", "deployment", "web")
    assert web["spec"]["replicas"] == 3
    assert web["spec"]["paused"] is True
    assert web["metadata"]["labels"] == {"tier": "front"}
    assert (await kubectl.object("get", "service", "again"))["spec"]["selector"] == {"app": "web"}


async def test_who_may_do_what(kubectl: Kubectl) -> None:
    assert (await kubectl("auth", "can-i", "create", "pods")).strip() == "yes"
    refused = await kubectl("auth", "can-i", "create", "pods", "--as=jane", fails=True)
    assert refused.strip() == ""
    assert "system:masters" in await kubectl("auth", "whoami")
    assert "cannot list resource" in await kubectl("get", "pods", "--as=jane", fails=True)
    token = (await kubectl("create", "token", "default")).strip()
    as_account = await kubectl("--token", token, "auth", "whoami", "-o", "json")
    assert "admin" in as_account or "system:serviceaccount:default:default" in as_account


CREATES = [
    "configmap x --from-literal=a=b",
    "secret generic x --from-literal=a=b",
    "namespace x",
    "serviceaccount x",
    "role x --verb=get,list --resource=pods,deployments.apps --resource-name=n",
    "rolebinding x --clusterrole=view --user=jane --serviceaccount=default:default",
    "clusterrole x --verb=get --non-resource-url=/metrics",
    "clusterrolebinding x --clusterrole=view --group=devs",
    "quota x --hard=cpu=1,pods=2",
    "poddisruptionbudget x --selector=a=b --min-available=50%",
    "priorityclass x --value=7 --description=d",
    "service clusterip x --tcp=80:http",
    "service nodeport x --tcp=5678:8080 --node-port=30123",
    "service externalname x --external-name=example.com",
    "ingress x --rule=example.com/path*=svc:8080,tls=cert",
    "deployment x --image=busybox --replicas=2 --port=80 -- sleep 9",
    "job x --image=busybox -- sleep 9",
    "cronjob x --image=busybox --schedule=@daily",
]  # fmt: skip


def contained(wanted: Any, found: Any, path: str = "") -> None:
    """Everything in `wanted` is in `found`; nulls and empty objects say nothing."""
    if isinstance(wanted, dict):
        for key, value in wanted.items():
            if value not in (None, {}) and key not in ("kubectl.kubernetes.io/last-applied-configuration",):
                assert isinstance(found, dict), path
                assert key in found, f"{path}.{key}"
                contained(value, found[key], f"{path}.{key}")
    elif isinstance(wanted, list):
        assert len(wanted) == len(found), path
        for index, pair in enumerate(zip(wanted, found, strict=True)):
            contained(*pair, f"{path}[{index}]")
    else:
        assert wanted == found, path


@pytest.mark.parametrize("command", CREATES, ids=[" ".join(c.split()[:2]) for c in CREATES])
async def test_imperative_creates_arrive_whole(kubectl: Kubectl, command: str) -> None:
    words = command.split()
    where = words.index("--") if "--" in words else len(words)
    head, tail = words[:where], words[where:]
    wanted = json.loads(await kubectl("create", *head, "--dry-run=client", "-o", "json", *tail))
    found = json.loads(await kubectl("create", *head, "-o", "json", *tail))
    wanted.pop("status", None)
    contained(wanted, found)


async def test_wait_sees_a_pod_go(kubectl: Kubectl) -> None:
    await kubectl("run", "one", "--image=busybox")
    waiting = asyncio.ensure_future(kubectl("wait", "--for=delete", "pod/one", "--timeout=20s"))
    await asyncio.sleep(0.5)
    await kubectl("delete", "pod", "one")
    assert "pod/one condition met" in await waiting


async def test_a_wrong_field_is_named(kubectl: Kubectl) -> None:
    bad = MANIFEST.replace("image: busybox", "imagee: busybox")
    message = await kubectl("apply", "-f", "-", stdin=bad, fails=True)
    assert 'unknown field "spec.template.spec.containers[0].imagee"' in message
