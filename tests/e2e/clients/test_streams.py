"""exec, logs and port-forward as client libraries do them, with real containers."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from typing import Any

import kr8s
import pytest
from kr8s.objects import Pod as Kr8sPod
from kubernetes import client, config
from kubernetes.stream import portforward, stream
from lightkube import AsyncClient, KubeConfig
from lightkube.resources.core_v1 import Pod as LightPod

from ..conftest import Shell

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.root,
    pytest.mark.filterwarnings("ignore:Kubernetes version .* is not supported:UserWarning"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.usefixtures("garbage"),
]

SCRIPT = "echo first; echo second; mkdir /tmp/w; cd /tmp/w; echo served > f; exec python3 -m http.server 8080"
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "box"},
    "spec": {
        "terminationGracePeriodSeconds": 0,
        "containers": [
            {
                "name": "c",
                "image": "wherry.local/host",
                "command": ["sh", "-c", SCRIPT],
                "readinessProbe": {"httpGet": {"path": "/f", "port": 8080}, "periodSeconds": 1},
            }
        ],
    },
}


@pytest.fixture(scope="module")
def box(cluster: Shell) -> Iterator[str]:
    """The namespace of a pod that serves a file at port 8080."""
    with config.new_client_from_config(cluster.environment["KUBECONFIG"]) as api:
        core = client.CoreV1Api(api)
        core.create_namespace({"metadata": {"name": "streams"}})
        cluster.kubectl("wait", "serviceaccount/default", "-n", "streams", "--for=create", "--timeout=20s")
        core.create_namespaced_pod("streams", POD)
        cluster.kubectl("wait", "pod/box", "-n", "streams", "--for=condition=Ready", "--timeout=60s")
        yield "streams"
        core.delete_namespace("streams")


@pytest.fixture
def core(cluster: Shell) -> Iterator[client.CoreV1Api]:
    """Of the test's own: `stream` bends the client it is given."""
    with config.new_client_from_config(cluster.environment["KUBECONFIG"]) as api:
        yield client.CoreV1Api(api)


def test_the_official_client_executes(core: client.CoreV1Api, box: str) -> None:
    options: dict[str, Any] = {"stdout": True, "stderr": True, "stdin": False, "tty": False}
    said = stream(core.connect_get_namespaced_pod_exec, "box", box, command=["echo", "hello"], **options)
    assert said == "hello\n"
    options["stdin"] = True
    session = stream(
        core.connect_get_namespaced_pod_exec, "box", box, command=["sh"], **options, _preload_content=False
    )
    session.write_stdin("echo out; echo err >&2; exit 3\n")
    session.run_forever(timeout=30)
    assert (session.read_stdout(), session.read_stderr(), session.returncode) == ("out\n", "err\n", 3)
    session.close()


def test_the_official_client_reads_logs_and_forwards_ports(core: client.CoreV1Api, box: str) -> None:
    assert core.read_namespaced_pod_log("box", box).startswith("first\nsecond\n")
    assert core.read_namespaced_pod_log("box", box, limit_bytes=4) == "firs"
    forward = portforward(core.connect_get_namespaced_pod_portforward, "box", box, ports="8080")
    connection = forward.socket(8080)
    connection.setblocking(True)
    connection.sendall(b"GET /f HTTP/1.0\r\n\r\n")
    answer = b"".join(iter(lambda: connection.recv(4096), b""))
    connection.close()
    assert answer.endswith(b"served\n")
    assert forward.error(8080) is None


async def test_lightkube_executes_and_reads_logs(cluster: Shell, box: str) -> None:
    """Async: threads of its synchronous exec may read on when the socket is closed and its number somebody else's."""
    settings = KubeConfig.from_file(cluster.environment["KUBECONFIG"]).get()
    async with AsyncClient(settings, namespace=box) as light:
        assert (await light.get(LightPod, "box")).status.phase == "Running"
        done = await light.exec("box", command=["cat"], stdin="through\n", stdout=True, timeout=30)
        assert (done.stdout, done.exit_code) == ("through\n", 0)
        failed = await light.exec("box", command=["sh", "-c", "echo no >&2; exit 4"], stderr=True, timeout=30)
        assert (failed.stderr, failed.exit_code) == ("no\n", 4)
        logs = [line async for line in light.log("box", tail_lines=None)]
        assert logs[:2] == ["first\n", "second\n"]


def test_kr8s_executes_and_forwards_ports(cluster: Shell, box: str) -> None:
    api = kr8s.api(kubeconfig=cluster.environment["KUBECONFIG"], namespace=box)
    pod = Kr8sPod.get("box", api=api)
    done = pod.exec(["sh", "-c", "echo out; exit 5"], check=False)
    assert (done.stdout, done.returncode) == (b"out\n", 5)
    copied = io.BytesIO()
    pod.exec(["head", "-c", "200000", "/dev/zero"], stdout=copied, capture_output=False)
    assert copied.getvalue() == bytes(200_000)
    with pod.portforward(8080, local_port="auto") as port, socket.create_connection(("127.0.0.1", port), 20) as call:
        call.sendall(b"GET /f HTTP/1.0\r\n\r\n")
        answer = b"".join(iter(lambda: call.recv(4096), b""))
    assert answer.endswith(b"served\n")
