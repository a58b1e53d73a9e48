"""The real kubectl through API server and node server to real processes: logs, exec, attach, cp, port-forward."""

from __future__ import annotations

import asyncio
import os
import pty
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import yaml

from wherry.api.pod_network import PodAttachment
from wherry.api.types import Object
from wherry.apiserver.config import ServerConfig
from wherry.apiserver.streaming.stages import pod_stream_stages
from wherry.base.clock import RealClock
from wherry.base.tasks import cancel_and_wait
from wherry.client.client import Client
from wherry.distro.pki import Authority, Profile
from wherry.node.runtimes.port import Container, Runtime, Sandbox
from wherry.node.runtimes.process.runtime import ProcessRuntime
from wherry.node.server.app import NodeServer, only_names
from wherry.testing.apiserver import ADMIN, client_of, in_process_server
from wherry.wire.client import HttpClient
from wherry.wire.dial import Origin, connect
from wherry.wire.messages import ByteStream
from wherry.wire.server import serve
from wherry.wire.tls import client_context, server_context

pytestmark = pytest.mark.e2e

UID = "e2e-streams-uid"
CONTAINER = "e" * 64
SCRIPT = "echo hello; echo oops >&2; cat; echo bye"


class HostNetwork:
    """A `PodNetwork` for pods on the machine's own network."""

    node_addresses: Sequence[str] = ("127.0.0.1",)
    dns_servers: Sequence[str] = ()
    nameserver_reachable = False

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def attach(self, *, pod_uid: str, name: str, namespace: str, ports: Sequence[int] = ()) -> PodAttachment:
        raise NotImplementedError

    async def detach(self, pod_uid: str) -> None: ...

    def attached(self) -> Mapping[str, PodAttachment]:
        return {}

    async def connect(self, address: str, port: int, *, pod_uid: str | None = None) -> ByteStream:
        return await connect(Origin(host=address, port=port))


class Pods:
    """The pods as the node agent would know them: here, as the API server has them."""

    def __init__(self) -> None:
        self.items: list[Object] = []

    def pods(self) -> Sequence[Object]:
        return self.items

    def pod(self, namespace: str, name: str) -> Object | None:
        return next((p for p in self.items if p["metadata"]["name"] == name), None)


class Kubectl:
    """The binary on PATH, with its own kubeconfig."""

    def __init__(self, config: Path, *, websockets: bool) -> None:
        self._environment = {
            **os.environ,
            "KUBECONFIG": str(config),
            "KUBECTL_REMOTE_COMMAND_WEBSOCKETS": str(websockets).lower(),
            "KUBECTL_PORT_FORWARD_WEBSOCKETS": str(websockets).lower(),
        }

    async def start(self, *arguments: str, **options: object) -> asyncio.subprocess.Process:
        pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE}
        return await asyncio.create_subprocess_exec(
            "kubectl",
            *arguments,
            env=self._environment,
            **{**pipes, **options},  # type: ignore[arg-type]
        )

    async def __call__(self, *arguments: str, stdin: bytes = b"", code: int = 0) -> tuple[bytes, bytes]:
        process = await self.start(*arguments)
        async with asyncio.timeout(30):
            output, errors = await process.communicate(stdin)
        assert process.returncode == code, (output, errors)
        return output, errors


async def start_container(runtime: Runtime, logs: Path) -> None:
    sandbox = Sandbox(pod_uid=UID, pod_name="web", pod_namespace="default", hostname="web")
    await runtime.create_sandbox(sandbox)
    image = await runtime.images.pull("wherry.local/host")
    await runtime.create(
        Container(
            id=CONTAINER,
            sandbox=sandbox,
            name="app",
            attempt=0,
            image=image,
            arguments=("sh", "-c", SCRIPT),
            environment=(("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),),
            log_path=str(logs / "0.log"),
            stdin=True,
            stdin_once=True,
        )
    )
    await runtime.start(CONTAINER)


async def make_objects(client: Client, node_port: int) -> Object:
    await client.create("nodes", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}})
    node = await client.get("nodes", "n1")
    addresses = [{"type": "InternalIP", "address": "127.0.0.1"}]
    endpoints = {"kubeletEndpoint": {"Port": node_port}}
    await client.update(
        "nodes", {**node, "status": {"addresses": addresses, "daemonEndpoints": endpoints}}, subresource="status"
    )
    spec = {"nodeName": "n1", "containers": [{"name": "app", "image": "wherry.local/host", "stdin": True}]}
    pod = await client.create(
        "pods", {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "default"}, "spec": spec}
    )
    state = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
    status = {
        "name": "app", "containerID": f"process://{CONTAINER}", "state": state, "ready": True, "restartCount": 0,
        "image": "wherry.local/host", "imageID": "",
    }  # fmt: skip
    pod["status"] = {"phase": "Running", "containerStatuses": [status]}
    return await client.update("pods", pod, subresource="status")


def kubeconfig(path: Path, port: int, ca: Path) -> Path:
    name = "streams"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [
            {"name": name, "cluster": {"server": f"https://127.0.0.1:{port}", "certificate-authority": str(ca)}}
        ],
        "users": [{"name": name, "user": {"token": "secret"}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
    }
    path.write_text(yaml.safe_dump(config))
    return path


@pytest.fixture(params=["websocket", "spdy"])
async def kubectl(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Kubectl]:
    """Once as kubectl speaks now, once as it did before version 1.31."""
    clock = RealClock()
    authority = Authority(tmp_path, clock=clock)
    authority.ensure()
    ca = authority.pair.certificate
    served = authority.issue("served", Profile(common_name="served", addresses=("127.0.0.1",), server=True))
    caller = authority.issue("caller", Profile(common_name="apiserver-kubelet-client", client=True))
    async with AsyncExitStack() as stack:
        runtime = ProcessRuntime(root=tmp_path / "runtime", clock=clock, private_mounts=False)
        await runtime.open()
        stack.push_async_callback(runtime.close)
        await start_container(runtime, tmp_path)
        stack.push_async_callback(runtime.remove_sandbox, UID)
        pods = Pods()
        node = NodeServer(
            pods=pods,
            runtime=runtime,
            network=HostNetwork(),
            authorize=only_names({"apiserver-kubelet-client"}),
            clock=clock,
            tls=server_context(served.certificate, served.key, client_ca=ca),
            hosts=("127.0.0.1",),
            port=0,
        )
        running = asyncio.create_task(node.run())
        stack.push_async_callback(cancel_and_wait, running)
        await node.wait_listening()
        http = HttpClient()
        stack.push_async_callback(http.aclose)
        connect = pod_stream_stages(
            http=http, tls=client_context(ca=ca, certificate=caller.certificate, key=caller.key)
        )
        api = await stack.enter_async_context(
            in_process_server(clock=clock, connect=connect, config=ServerConfig(static_tokens={"secret": ADMIN}))
        )
        pod = await make_objects(client_of(api, clock=clock), node.port)
        pods.items = [{**pod, "metadata": {**pod["metadata"], "uid": UID}}]
        server = await serve(api.handle, tls=server_context(served.certificate, served.key, client_ca=ca))
        stack.push_async_callback(server.close)
        config = kubeconfig(tmp_path / "kubeconfig", server.port, ca)
        yield Kubectl(config, websockets=request.param == "websocket")


async def test_logs(kubectl: Kubectl) -> None:
    following = await kubectl.start("logs", "-f", "web")
    assert following.stdout is not None
    async with asyncio.timeout(20):
        assert sorted([await following.stdout.readline(), await following.stdout.readline()]) == [b"hello\n", b"oops\n"]
    assert (await kubectl("logs", "web", "--tail=0"))[0] == b""
    output, _ = await kubectl("logs", "web", "--timestamps", "--since=1h", "--limit-bytes=1000")
    assert output.count(b"\n") == 2
    assert output[4:5] == b"-"
    _, errors = await kubectl("logs", "web", "-c", "none", code=1)
    assert b"container none is not valid for pod web" in errors
    _, errors = await kubectl("logs", "web", "--previous", code=1)
    assert b'previous terminated container "app" in pod "web" not found' in errors
    following.kill()
    await following.wait()


async def test_exec(kubectl: Kubectl) -> None:
    assert await kubectl("exec", "web", "--", "sh", "-c", "echo out; echo err >&2") == (b"out\n", b"err\n")
    _, errors = await kubectl("exec", "web", "--", "sh", "-c", "exit 7", code=7)
    assert b"command terminated with exit code 7" in errors
    big = os.urandom(3_000_000)
    output, _ = await kubectl("exec", "-i", "web", "--", "cat", stdin=big)
    assert output == big
    _, errors = await kubectl("exec", "web", "--", "/no/such/command", code=1)
    assert b"error executing command in container" in errors
    _, errors = await kubectl("exec", "web", "-c", "none", "--", "true", code=1)
    assert b"container none is not valid for pod web" in errors


async def test_exec_with_a_terminal(kubectl: Kubectl) -> None:
    ours, theirs = pty.openpty()
    process = await kubectl.start("exec", "-it", "web", "--", "sh", stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    os.write(ours, b"tty && echo done; exit 5\n")
    async with asyncio.timeout(20):
        assert await process.wait() == 5
    os.set_blocking(ours, False)
    shown = b""
    try:
        while data := os.read(ours, 65536):
            shown += data
    except OSError:
        pass
    os.close(ours)
    assert b"/dev/pts/" in shown
    assert b"done" in shown


async def test_copy_into_and_out_of_a_container(kubectl: Kubectl, tmp_path: Path) -> None:
    source, there, back = tmp_path / "source", tmp_path / "there", tmp_path / "back"
    source.mkdir()
    (source / "big").write_bytes(os.urandom(2_000_000))
    (source / "small").write_text("small")
    await kubectl("cp", str(source), f"web:{there}")
    await kubectl("cp", f"web:{there}", str(back))
    assert {p.name: p.read_bytes() for p in back.iterdir()} == {p.name: p.read_bytes() for p in source.iterdir()}


async def test_attach(kubectl: Kubectl) -> None:
    process = await kubectl.start("attach", "-i", "web")
    assert process.stdin is not None
    process.stdin.write(b"to the container\n")
    process.stdin.write_eof()
    async with asyncio.timeout(30):
        output, _ = await process.communicate()
    assert output == b"to the container\nbye\n"


async def test_port_forward(kubectl: Kubectl) -> None:
    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data.upper())
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(shout, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with socket.create_server(("127.0.0.1", 0)) as free:
        refused = free.getsockname()[1]
    forwarding = await kubectl.start("port-forward", "web", f":{port}", f":{refused}")
    assert forwarding.stdout is not None
    try:
        async with asyncio.timeout(30):
            lines = [await forwarding.stdout.readline() for _ in range(2)]
            local = int(lines[0].split(b"->")[0].rsplit(b":", 1)[1])
            await asyncio.gather(*(talk(local, n) for n in range(5)))
    finally:
        forwarding.kill()
        await forwarding.wait()
        server.close()
        await server.wait_closed()


async def talk(port: int, number: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    data = bytes([97 + number]) * 500_000
    writer.write(data)
    writer.write_eof()
    assert await reader.read() == data.upper()
    writer.close()
    await writer.wait_closed()
