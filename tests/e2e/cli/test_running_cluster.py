"""Commands that need a running cluster: logs, exec, port-forward, status, image, token. Process runtime: any machine."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wherry.testing.images import Layer, write_docker_archive

from ..conftest import Shell

pytestmark = pytest.mark.e2e

SERVER = (
    "import http.server, os\n"
    "class Hello(http.server.BaseHTTPRequestHandler):\n"
    "    def do_GET(self):\n"
    "        self.send_response(200); self.end_headers(); self.wfile.write(b'hello')\n"
    "    def log_message(self, *_): pass\n"
    "http.server.HTTPServer((os.environ['IP'], 18080), Hello).serve_forever()\n"
)
APP = {
    "apiVersion": "v1",
    "kind": "List",
    "items": [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web"},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": {"app": "web"}},
                "template": {
                    "metadata": {"labels": {"app": "web"}},
                    "spec": {
                        "terminationGracePeriodSeconds": 1,
                        "containers": [
                            {
                                "name": "web",
                                "image": "wherry.local/host",
                                "command": ["python3", "-c", SERVER],
                                "env": [{"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
                                "ports": [{"name": "http", "containerPort": 18080}],
                                "readinessProbe": {"httpGet": {"port": "http"}, "periodSeconds": 1},
                            },
                            {
                                "name": "talk",
                                "image": "wherry.local/host",
                                "command": ["sh", "-c", "for i in 1 2 3; do echo line $i; done; exec sleep 1000"],
                            },
                        ],
                    },
                },
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web"},
            "spec": {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
        },
    ],
}


def free_port() -> str:
    """Several test runs may share the machine: all of them would begin at the usual port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@pytest.fixture(scope="module")
def shell(make_cluster: Callable[..., Shell]) -> Shell:
    shell = make_cluster("cli", "--runtime", "process", "--port", free_port())
    shell.wherry("apply", "-f", "-", input=json.dumps(APP))
    shell.wherry("wait", "deployment/web", "--for=condition=Available", "--timeout=60s")
    return shell


@pytest.fixture
def start(shell: Shell) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts commands that run until they are stopped."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(*arguments: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "wherry", *arguments],
            env=shell.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        started.append(process)
        return process

    try:
        yield begin
    finally:
        for process in started:
            process.kill()
            process.communicate()


def same(shell: Shell, *arguments: str, input: str | None = None) -> str:
    theirs = shell.kubectl(*arguments, check=False, input=input)
    ours = shell.wherry(*arguments, check=False, input=input)
    assert ours == theirs, arguments
    return ours


def line_of(process: subprocess.Popen[bytes], *, seconds: float = 20) -> str:
    """The next line that it prints."""
    assert process.stdout is not None
    descriptor, line = process.stdout.fileno(), b""
    while not line.endswith(b"\n"):
        assert select.select([descriptor], [], [], seconds)[0], f"nothing more in time after {line!r}"
        line += os.read(descriptor, 1)
    return line.decode()


@pytest.mark.parametrize(
    "line",
    [
        "logs deployment/web -c talk",
        "logs deploy/web --all-containers --prefix",
        "logs service/web -c talk --timestamps --tail 2",
        "logs deployment/web -c nope",
        "logs -l app=nothing",
        "exec deployment/web -c talk -- sh -c echo",
        "exec deployment/web -c nope -- true",
    ],
)
def test_same_as_kubectl(shell: Shell, line: str) -> None:
    same(shell, *line.split())


def test_logs_by_labels(shell: Shell) -> None:
    """kubectl prints the pods in random order."""
    line = ("logs", "-l", "app=web", "-c", "talk", "--tail=1", "--prefix")
    assert sorted(shell.wherry(*line).splitlines()) == sorted(shell.kubectl(*line).splitlines())


def test_exec_passes_streams_and_exit_codes(shell: Shell) -> None:
    out = same(shell, "exec", "deploy/web", "-c", "talk", "--", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert "command terminated with exit code 3" in out
    assert shell.wherry("exec", "-i", "deploy/web", "-c", "talk", "--", "cat", input="in\n" * 50_000) == "in\n" * 50_000
    assert "executable file not found" in shell.wherry("exec", "deploy/web", "-c", "talk", "--", "nope", check=False)


def test_exec_with_a_terminal(shell: Shell) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        command = [sys.executable, "-m", "wherry", "exec", "-it", "deploy/web", "-c", "talk", "--", "sh"]
        os.execve(sys.executable, command, shell.environment)
    try:
        os.write(terminal, b"stty size; tty >/dev/null && echo is-a-$((1+1))-terminal; exit 5\n")
        said = read_until_end(terminal)
        assert b"is-a-2-terminal" in said, said
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 5
    finally:
        os.close(terminal)


def read_until_end(descriptor: int, *, seconds: float = 20) -> bytes:
    said, deadline = b"", time.monotonic() + seconds
    while time.monotonic() < deadline:
        if select.select([descriptor], [], [], 0.2)[0]:
            try:
                piece = os.read(descriptor, 4096)
            except OSError:
                return said
            if not piece:
                return said
            said += piece
    return said


def test_port_forward(shell: Shell, start: Callable[..., subprocess.Popen[bytes]]) -> None:
    process = start("port-forward", "service/web", ":http", "--address", "127.0.0.1")
    found = re.fullmatch(r"Forwarding from 127\.0\.0\.1:([0-9]+) -> 18080\n", line_of(process))
    assert found
    for _ in range(3):
        with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}/", timeout=10) as answer:
            assert answer.read() == b"hello"
        assert line_of(process) == f"Handling connection for {found[1]}\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130
    assert "does not have a service port 81" in shell.wherry("port-forward", "svc/web", "81", check=False)


def test_port_forward_tells_what_the_node_says(start: Callable[..., subprocess.Popen[bytes]]) -> None:
    process = start("port-forward", "deployment/web", "--address", "127.0.0.1", ":18081")
    port = int(line_of(process).split(":")[1].split()[0])
    with pytest.raises(OSError):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10)
    assert line_of(process).startswith("Handling connection")
    assert f"an error occurred forwarding {port} -> 18081" in line_of(process)


def test_logs_are_followed(shell: Shell, start: Callable[..., subprocess.Popen[bytes]]) -> None:
    pod = shell.wherry("get", "pods", "-l", "app=web", "-o", "jsonpath={.items[0].metadata.name}")
    process = start("logs", "-f", pod, "-c", "talk", "--tail", "1")
    assert line_of(process) == "line 3\n"
    several = start("logs", "-f", "-l", "app=web", "--all-containers", "--prefix")
    assert line_of(several).startswith("[pod/web-")


def test_logs_of_the_clusters_own_parts(shell: Shell, start: Callable[..., subprocess.Popen[bytes]]) -> None:
    assert "API server answers" in shell.wherry("logs", "cluster")
    assert "API server answers" not in shell.wherry("logs", "scheduler")
    assert "API server answers" in shell.wherry("logs", "--component", "cluster", "--name", "cli", "--tail", "5")
    assert 'pods "cluster" not found' in shell.wherry("logs", "pod/cluster", check=False)
    follower = start("logs", "cluster", "-f", "--tail=1")
    line_of(follower)
    with (shell.home / "cli" / "wherry.log").open("a") as log:
        log.write("2099-01-01T00:00:00.000Z INFO    node: not this\n2099-01-01T00:00:00.000Z INFO    cluster: this\n")
    assert line_of(follower).endswith("cluster: this\n")


def test_status(shell: Shell) -> None:
    def facts() -> dict[str, object]:
        found: dict[str, object] = json.loads(shell.wherry("status", "cli", "-o", "json"))
        return found

    found = facts()
    assert (found["running"], found["ready"], found["pid"]) == (True, True, shell.pid())
    assert found["nodes"] == {"total": 1, "ready": 1}
    assert found["pods"] == {"Running": 2}
    assert "2 Running" in shell.wherry("status")


def test_images(shell: Shell, tmp_path: Path) -> None:
    layer = Layer().add("etc/motd", "hello").data()
    archive = write_docker_archive(tmp_path / "image.tar", ["example.org/motd:1"], [layer])
    name = shell.wherry("image", "import", str(archive)).strip()
    assert name in shell.wherry("image", "list")
    images = json.loads(shell.wherry("image", "list", "-o", "json"))
    assert {one for image in images for one in image["names"]} >= {name, "wherry.local/host:latest"}
    assert shell.wherry("image", "remove", name) == f"{name} removed\n"
    assert "is not on this node" in shell.wherry("image", "remove", name, check=False)
    archive.write_bytes(b"rubbish")
    assert shell.wherry("image", "import", str(archive), check=False).count("error: ") == 1


def test_tokens_are_good(shell: Shell) -> None:
    token = shell.wherry("token", "create", "default", "--duration", "1h").strip()
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
    answer = json.loads(shell.wherry("create", "-f", "-", "-o", "json", input=json.dumps(review)))
    assert answer["status"]["user"]["username"] == "system:serviceaccount:default:default"


def test_without_kubeconfig_the_running_cluster_is_meant(shell: Shell) -> None:
    environment = {**shell.environment, "KUBECONFIG": str(shell.home / "none")}
    command = [sys.executable, "-m", "wherry", "get", "deployments", "-o", "name"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout == "deployment.apps/web\n"


def test_stopped_cluster(make_cluster: Callable[..., Shell]) -> None:
    shell = make_cluster("cli-stopped", "--runtime", "fake", "--port", free_port())
    shell.wherry("stop", "cli-stopped")
    command = [sys.executable, "-m", "wherry", "status", "cli-stopped"]
    done = subprocess.run(command, env=shell.environment, capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, "is stopped" in done.stdout) == (3, True)
    refused = shell.wherry("get", "pods", check=False)
    assert refused.startswith("error: cannot reach the server 127.0.0.1:")
