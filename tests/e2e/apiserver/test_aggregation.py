"""The real kubectl and an extension API server: it is listed, discovered and asked like any other group."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from pathlib import Path

import orjson
import pytest

from wherry.apiserver.aggregation.identity import CLIENT_NAME, FrontProxy
from wherry.apiserver.config import ServerConfig
from wherry.base.clock import RealClock
from wherry.base.tasks import cancel_and_wait
from wherry.distro.pki import Authority, Profile
from wherry.testing.served import Served, served
from wherry.wire.messages import Reply, Request, Response
from wherry.wire.server import serve
from wherry.wire.tls import server_context

pytestmark = pytest.mark.e2e

BASE = "/apis/sea.example.com/v1"
VERBS = ["get", "list"]
RESOURCE = {"name": "boats", "singularName": "boat", "namespaced": True, "kind": "Boat", "verbs": VERBS}
BOAT = {"apiVersion": "sea.example.com/v1", "kind": "Boat", "metadata": {"name": "a", "namespace": "default"}}


def extension(request: Request) -> Reply:
    documents = {
        BASE: {"kind": "APIResourceList", "groupVersion": "sea.example.com/v1", "resources": [RESOURCE]},
        f"{BASE}/namespaces/default/boats": {"apiVersion": "sea.example.com/v1", "kind": "BoatList", "items": [BOAT]},
        f"{BASE}/whoami": {
            "user": request.headers.get("x-remote-user"),
            "group": request.headers.get("x-remote-group"),
        },
    }
    if request.path not in documents:
        return Response(404, b"{}")
    return Response(200, orjson.dumps(documents[request.path]))


async def kubectl(at: Served, *arguments: str, stdin: str = "") -> str:
    process = await asyncio.create_subprocess_exec(
        "kubectl", "--kubeconfig", str(at.kubeconfig), "--cache-dir", str(at.kubeconfig.parent / "cache"), *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(stdin.encode()), 60)
    assert process.returncode == 0, err.decode()
    return out.decode()


def manifests(port: int, ca: bytes) -> str:
    metadata = {"name": "sea", "namespace": "default"}
    slice_metadata = {**metadata, "labels": {"kubernetes.io/service-name": "sea"}}
    items = [
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 443}]}},
        {
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": slice_metadata,
            "addressType": "IPv4", "endpoints": [{"addresses": ["127.0.0.1"]}], "ports": [{"name": "", "port": port}],
        },
        {
            "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
            "metadata": {"name": "v1.sea.example.com"},
            "spec": {
                "group": "sea.example.com", "version": "v1", "groupPriorityMinimum": 1000, "versionPriority": 15,
                "service": {"namespace": "default", "name": "sea"}, "caBundle": b64encode(ca).decode(),
            },
        },
    ]  # fmt: skip
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


async def test_kubectl_works_with_an_extension_api_server(tmp_path: Path) -> None:
    clock = RealClock()
    own = Authority(tmp_path / "own", clock=clock, name="own-ca")
    ca = own.ensure()
    pair = own.issue("server", Profile(common_name="sea", dns_names=("sea.default.svc",), server=True))
    front = Authority(tmp_path / "front", clock=clock, name="front-ca")
    front_ca = front.ensure().decode()
    client = front.issue("client", Profile(common_name=CLIENT_NAME, client=True))
    tls = server_context(pair.certificate, pair.key, client_ca=front_ca)
    proxy = FrontProxy(ca=front_ca, certificate=client.certificate, key=client.key)
    listening = await serve(extension, tls=tls)
    config = ServerConfig(rbac=True, loopback_endpoints=True, front_proxy=proxy)
    async with served(tmp_path, config=config) as at:
        running = asyncio.ensure_future(at.server.run())
        try:
            await kubectl(at, "apply", "--validate=false", "-f", "-", stdin=manifests(listening.port, ca))
            await kubectl(at, "wait", "--for=condition=Available", "apiservice/v1.sea.example.com", "--timeout=30s")
            table = await kubectl(at, "get", "apiservices")
            row = next(line.split() for line in table.splitlines() if line.startswith("v1.sea.example.com"))
            assert row[1:3] == ["default/sea", "True"]
            assert "boats" in await kubectl(at, "api-resources", "--api-group=sea.example.com")
            assert await kubectl(at, "get", "boats", "-o", "name") == "boat.sea.example.com/a\n"
            asked = json.loads(await kubectl(at, "get", "--raw", f"{BASE}/whoami"))
            assert asked == {"user": "admin", "group": "system:masters, system:authenticated"}
        finally:
            await cancel_and_wait(running)
            await listening.close(grace_seconds=0.1)
