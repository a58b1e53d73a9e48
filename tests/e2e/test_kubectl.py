"""The real kubectl does its everyday work against a Wherry cluster, as its users do."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pexpect
import pytest
import yaml

from .conftest import Shell, eventually, kubectl_path

pytestmark = [pytest.mark.e2e, pytest.mark.root]

IMAGE = "wherry.local/host"
WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: web
          image: wherry.local/host
          command: [sh, -c, "echo started; mkdir -p /tmp/www; hostname > /tmp/www/index.html; cd /tmp/www; exec python3 -m http.server 8080"]
          ports: [{containerPort: 8080}]
          readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}
"""


@pytest.fixture
def web(cluster: Shell, namespace: str) -> str:
    """A Deployment of two replicas that are ready; gives its namespace."""
    cluster.kubectl("apply", "-n", namespace, "-f", "-", input=WEB)
    cluster.kubectl("rollout", "status", "-n", namespace, "deployment/web", "--timeout=30s")
    return namespace


def sleeper(cluster: Shell, namespace: str, name: str = "box") -> str:
    cluster.kubectl("run", name, "-n", namespace, f"--image={IMAGE}", "--restart=Never", "--", "sleep", "1000")
    cluster.kubectl("wait", "-n", namespace, f"pod/{name}", "--for=condition=Ready", "--timeout=20s")
    return name


def test_version_and_discovery(cluster: Shell) -> None:
    assert json.loads(cluster.kubectl("version", "-o", "json"))["serverVersion"]["gitVersion"] == "v1.36.0"
    resources = cluster.kubectl("api-resources")
    assert re.search(r"^deployments +deploy +apps/v1 +true +Deployment$", resources, re.M)
    assert "apps/v1" in cluster.kubectl("api-versions").split()
    assert "is running at" in cluster.kubectl("cluster-info")


def test_apply_creates_then_says_unchanged_then_configured(cluster: Shell, namespace: str) -> None:
    manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {colour: red, size: large}\n"
    apply = ("apply", "-n", namespace, "-f", "-")
    assert cluster.kubectl(*apply, input=manifest) == "configmap/settings created\n"
    assert cluster.kubectl(*apply, input=manifest) == "configmap/settings unchanged\n"
    changed = manifest.replace("red, size: large", "blue")
    assert cluster.kubectl(*apply, input=changed) == "configmap/settings configured\n"
    assert cluster.json("get", "configmap", "settings", "-n", namespace)["data"] == {"colour": "blue"}


def test_diff_shows_what_apply_would_change(cluster: Shell, namespace: str) -> None:
    manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {colour: red}\n"
    cluster.kubectl("apply", "-n", namespace, "-f", "-", input=manifest)
    assert cluster.kubectl("diff", "-n", namespace, "-f", "-", input=manifest) == ""
    told = cluster.kubectl("diff", "-n", namespace, "-f", "-", input=manifest.replace("red", "blue"), check=False)
    assert "-  colour: red" in told
    assert "+  colour: blue" in told
    assert cluster.json("get", "configmap", "settings", "-n", namespace)["data"] == {"colour": "red"}


def test_get_in_every_output_form(cluster: Shell, web: str) -> None:
    get = ("get", "deployment", "web", "-n", web)
    header, row = cluster.kubectl(*get).splitlines()
    assert header.split() == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]
    assert row.split()[:4] == ["web", "2/2", "2", "2"]
    assert "CONTAINERS" in cluster.kubectl(*get, "-o", "wide")
    assert yaml.safe_load(cluster.kubectl(*get, "-o", "yaml"))["kind"] == "Deployment"
    assert cluster.json(*get)["spec"]["replicas"] == 2
    assert cluster.kubectl(*get, "-o", "name") == "deployment.apps/web\n"
    assert cluster.kubectl(*get, "-o", "jsonpath={.status.readyReplicas}") == "2"
    assert cluster.kubectl(*get, "-o", "go-template={{.metadata.name}}") == "web"
    columns = cluster.kubectl(*get, "-o", "custom-columns=N:.metadata.name,R:.spec.replicas")
    assert columns.split() == ["N", "R", "web", "2"]
    pods = cluster.kubectl("get", "pods", "-n", web, "-l", "app=web", "--show-labels", "--no-headers").splitlines()
    assert len(pods) == 2
    assert all("app=web,pod-template-hash=" in pod for pod in pods)
    assert "web" in cluster.kubectl("get", "all", "-A")
    sorted_names = cluster.kubectl("get", "pods", "-n", web, "--sort-by=.metadata.name", "-o", "name").split()
    assert sorted_names == sorted(sorted_names)
    running = cluster.kubectl("get", "pods", "-n", web, "--field-selector=status.phase=Running", "-o", "name")
    assert len(running.split()) == 2
    raw = json.loads(cluster.kubectl("get", "--raw", f"/api/v1/namespaces/{web}/pods?limit=1"))
    assert raw["metadata"]["remainingItemCount"] == 1


def test_get_watch_shows_changes_as_they_come(cluster: Shell, namespace: str) -> None:
    command = [kubectl_path(), "get", "configmaps", "-n", namespace, "-w", "-o", "name"]
    with subprocess.Popen(command, env=cluster.environment, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        try:
            assert watching.stdout.readline() == "configmap/kube-root-ca.crt\n"
            cluster.kubectl("create", "configmap", "late", "-n", namespace)
            assert watching.stdout.readline() == "configmap/late\n"
        finally:
            watching.terminate()


def test_describe_tells_conditions_events_and_endpoints(cluster: Shell, web: str) -> None:
    deployment = cluster.kubectl("describe", "deployment", "web", "-n", web)
    assert re.search(r"Replicas: +2 desired \| 2 updated \| 2 total \| 2 available \| 0 unavailable", deployment)
    assert "ScalingReplicaSet" in deployment
    pod = eventually(lambda: _with(cluster.kubectl("describe", "pods", "-n", web, "-l", "app=web"), "Started"))
    assert "Successfully assigned" in pod
    assert re.search(r"Container ID: +runc://[0-9a-f]{64}", pod)
    node = cluster.kubectl("describe", "node", f"{cluster.name}-1")
    assert "Allocated resources" in node
    assert re.search(r"Ready +True .* KubeletReady", node)


def _with(text: str, words: str) -> str:
    return text if words in text else ""


def test_logs_follow_until_the_container_ends(cluster: Shell, namespace: str) -> None:
    script = "for i in 1 2 3 4 5; do echo line $i; sleep 0.2; done"
    cluster.kubectl("run", "talker", "-n", namespace, f"--image={IMAGE}", "--restart=Never", "--", "sh", "-c", script)
    eventually(lambda: cluster.json("get", "pod", "talker", "-n", namespace)["status"]["phase"] != "Pending")
    followed = cluster.kubectl("logs", "-f", "talker", "-n", namespace, timeout=20)
    assert followed.splitlines() == [f"line {i}" for i in range(1, 6)]
    assert cluster.kubectl("logs", "talker", "-n", namespace, "--tail=2").splitlines() == ["line 4", "line 5"]
    stamped = cluster.kubectl("logs", "talker", "-n", namespace, "--timestamps", "--tail=1")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z line 5\n", stamped)


def test_logs_of_the_previous_container(cluster: Shell, namespace: str) -> None:
    cluster.kubectl("run", "dies", "-n", namespace, f"--image={IMAGE}", "--", "sh", "-c", "echo last words; exit 3")
    eventually(lambda: _status(cluster, namespace, "dies")["restartCount"] >= 1)
    assert cluster.kubectl("logs", "dies", "-n", namespace, "--previous") == "last words\n"
    assert _status(cluster, namespace, "dies")["lastState"]["terminated"]["exitCode"] == 3
    eventually(lambda: "CrashLoopBackOff" in cluster.kubectl("get", "pod", "dies", "-n", namespace))


def _status(cluster: Shell, namespace: str, pod: str) -> dict[str, object]:
    statuses = cluster.json("get", "pod", pod, "-n", namespace)["status"].get("containerStatuses")
    assert statuses, "no container status yet"
    return statuses[0]


def test_exec_passes_streams_and_exit_codes(cluster: Shell, namespace: str) -> None:
    box = sleeper(cluster, namespace)
    run = ("exec", "-n", namespace, box)
    assert cluster.kubectl(*run, "--", "sh", "-c", "echo out; echo err >&2") == "out\n"
    assert cluster.kubectl(*run, "-i", "--", "cat", input="through\n") == "through\n"
    failed = subprocess.run([kubectl_path(), *run, "--", "sh", "-c", "exit 7"], env=cluster.environment, check=False)
    assert failed.returncode == 7
    missing = cluster.kubectl(*run, "--", "no-such-command", check=False)
    assert 'exec: "no-such-command": executable file not found in $PATH' in missing


def test_exec_with_a_terminal(cluster: Shell, namespace: str) -> None:
    box = sleeper(cluster, namespace)
    terminal = pexpect.spawn(
        kubectl_path(),
        ["exec", "-it", "-n", namespace, box, "--", "sh"],
        env=cluster.environment,
        dimensions=(41, 123),
        encoding="utf-8",
        timeout=15,
    )
    try:
        terminal.expect("[#$] ")
        terminal.sendline("stty size")
        terminal.expect("41 123")
        terminal.sendline("echo $((6*7)); exit 5")
        terminal.expect("42")
        terminal.expect(pexpect.EOF)
    finally:
        terminal.close()
    assert terminal.exitstatus == 5


def test_attach_sees_what_is_written(cluster: Shell, namespace: str) -> None:
    cluster.kubectl(
        "run",
        "echoes",
        "-n",
        namespace,
        f"--image={IMAGE}",
        "--restart=Never",
        "--stdin",
        "--attach=false",
        "--",
        "cat",
    )
    cluster.kubectl("wait", "-n", namespace, "pod/echoes", "--for=condition=Ready", "--timeout=20s")
    attach = [kubectl_path(), "attach", "-q", "-i", "-n", namespace, "echoes"]
    with subprocess.Popen(
        attach, env=cluster.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as attached:
        assert attached.stdin is not None and attached.stdout is not None
        attached.stdin.write("hello\n")
        attached.stdin.flush()
        assert attached.stdout.readline() == "hello\n"
        attached.send_signal(signal.SIGINT)


def test_port_forward_reaches_the_pod(cluster: Shell, web: str) -> None:
    command = [kubectl_path(), "port-forward", "-n", web, "deployment/web", ":8080"]
    with subprocess.Popen(command, env=cluster.environment, stdout=subprocess.PIPE, text=True) as forwarding:
        assert forwarding.stdout is not None
        try:
            found = re.search(r"127\.0\.0\.1:(\d+) -> 8080", forwarding.stdout.readline())
            assert found is not None
            for _ in range(3):
                with socket.create_connection(("127.0.0.1", int(found[1])), timeout=10) as connection:
                    connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                    answer = b"".join(iter(lambda connection=connection: connection.recv(65536), b""))
                assert b"web-" in answer
        finally:
            forwarding.terminate()


def test_cp_copies_in_both_directions(cluster: Shell, namespace: str, tmp_path: Path) -> None:
    box = sleeper(cluster, namespace)
    source = tmp_path / "data.bin"
    source.write_bytes(os.urandom(300_000))
    cluster.kubectl("cp", "-n", namespace, str(source), f"{box}:/tmp/data.bin")
    cluster.kubectl("cp", "-n", namespace, f"{box}:/tmp/data.bin", str(tmp_path / "back.bin"))
    assert (tmp_path / "back.bin").read_bytes() == source.read_bytes()


def test_rollout_status_history_and_undo(cluster: Shell, web: str) -> None:
    deployment = ("deployment/web", "-n", web)
    cluster.kubectl("set", "env", *deployment, "EDITION=second")
    cluster.kubectl("rollout", "status", *deployment, "--timeout=30s")
    assert cluster.json("get", *deployment)["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"
    assert re.search(r"^1 .*\n2 ", cluster.kubectl("rollout", "history", *deployment), re.M)
    cluster.kubectl("rollout", "undo", *deployment)
    cluster.kubectl("rollout", "status", *deployment, "--timeout=30s")
    container = cluster.json("get", *deployment)["spec"]["template"]["spec"]["containers"][0]
    assert "env" not in container
    cluster.kubectl("rollout", "restart", *deployment)
    cluster.kubectl("rollout", "status", *deployment, "--timeout=30s")


def test_set_image_with_one_that_is_not_there_says_so(cluster: Shell, web: str) -> None:
    cluster.kubectl("set", "image", "deployment/web", "-n", web, "web=nowhere.invalid/app:1")
    eventually(lambda: re.search(r"ErrImagePull|ImagePullBackOff", cluster.kubectl("get", "pods", "-n", web)))
    assert cluster.json("get", "deployment", "web", "-n", web)["status"]["availableReplicas"] >= 1
    cluster.kubectl("rollout", "undo", "deployment/web", "-n", web)
    cluster.kubectl("rollout", "status", "deployment/web", "-n", web, "--timeout=30s")


def test_scale_up_and_down(cluster: Shell, web: str) -> None:
    cluster.kubectl("scale", "deployment/web", "-n", web, "--replicas=4")
    cluster.kubectl("rollout", "status", "deployment/web", "-n", web, "--timeout=30s")
    assert len(cluster.json("get", "pods", "-n", web)["items"]) >= 4
    cluster.kubectl("scale", "deployment/web", "-n", web, "--replicas=1", "--current-replicas=4")
    eventually(lambda: len(cluster.json("get", "pods", "-n", web)["items"]) == 1)


def test_label_annotate_and_edit(cluster: Shell, namespace: str, tmp_path: Path) -> None:
    cluster.kubectl("create", "configmap", "thing", "-n", namespace, "--from-literal=a=1")
    target = ("configmap", "thing", "-n", namespace)
    assert cluster.kubectl("label", *target, "tier=front") == "configmap/thing labeled\n"
    refused = cluster.kubectl("label", *target, "tier=back", check=False)
    assert "already has a value (front), and --overwrite is false" in refused
    cluster.kubectl("annotate", *target, "note=hello world")
    editor = tmp_path / "editor.sh"
    editor.write_text('#!/bin/sh\nsed -i "s/a: \\"1\\"/a: \\"2\\"/" "$1"\n')
    editor.chmod(0o755)
    environment = {**cluster.environment, "KUBE_EDITOR": str(editor)}
    subprocess.run([kubectl_path(), "edit", *target], env=environment, check=True, capture_output=True)
    thing = cluster.json("get", *target)
    assert thing["metadata"]["labels"] == {"tier": "front"}
    assert thing["metadata"]["annotations"] == {"note": "hello world"}
    assert thing["data"] == {"a": "2"}


def test_patch_of_three_types(cluster: Shell, web: str) -> None:
    patch = ("patch", "deployment", "web", "-n", web)
    container = '{"spec":{"template":{"spec":{"containers":[{"name":"web","env":[{"name":"X","value":"1"}]}]}}}}'
    cluster.kubectl(*patch, "--type=strategic", "-p", container)
    containers = cluster.json("get", "deployment", "web", "-n", web)["spec"]["template"]["spec"]["containers"]
    assert [c["name"] for c in containers] == ["web"]
    assert containers[0]["image"] == IMAGE
    cluster.kubectl(*patch, "--type=merge", "-p", '{"spec":{"replicas":3}}')
    cluster.kubectl(*patch, "--type=json", "-p", '[{"op":"test","path":"/spec/replicas","value":3},{"op":"replace","path":"/spec/replicas","value":1}]')  # fmt: skip
    assert cluster.json("get", "deployment", "web", "-n", web)["spec"]["replicas"] == 1
    failed = cluster.kubectl(*patch, "--type=json", "-p", '[{"op":"remove","path":"/spec/nothing"}]', check=False)
    assert "Unable to remove nonexistent key: nothing" in failed or "Invalid" in failed


def test_delete_and_wait(cluster: Shell, namespace: str) -> None:
    sleeper(cluster, namespace, "one")
    sleeper(cluster, namespace, "two")
    began = time.monotonic()
    assert cluster.kubectl("delete", "pod", "one", "-n", namespace, "--grace-period=1").startswith('pod "one" deleted')
    assert time.monotonic() - began < 10
    cluster.kubectl("delete", "pod", "two", "-n", namespace, "--force", "--grace-period=0", "--wait=false")
    cluster.kubectl("wait", "pod/two", "-n", namespace, "--for=delete", "--timeout=20s")
    missing = cluster.kubectl("get", "pod", "one", "-n", namespace, check=False)
    assert missing == 'Error from server (NotFound): pods "one" not found\n'


def test_deleting_a_deployment_takes_its_pods_along(cluster: Shell, web: str) -> None:
    cluster.kubectl("delete", "deployment", "web", "-n", web)
    eventually(lambda: not cluster.json("get", "pods,replicasets", "-n", web)["items"])


def test_explain(cluster: Shell) -> None:
    text = cluster.kubectl("explain", "deployment.spec.strategy.rollingUpdate.maxSurge")
    assert "GROUP:      apps" in text
    assert "maximum number of pods that can be scheduled above the desired number" in text
    assert "readinessProbe" in cluster.kubectl("explain", "pod.spec.containers", "--recursive")


def test_auth_can_i(cluster: Shell, namespace: str) -> None:
    assert cluster.kubectl("auth", "can-i", "delete", "nodes") == "yes\n"
    account = f"--as=system:serviceaccount:{namespace}:default"
    assert cluster.kubectl("auth", "can-i", "list", "secrets", "-n", namespace, account, check=False) == "no\n"
    cluster.kubectl("create", "role", "reader", "-n", namespace, "--verb=get,list", "--resource=secrets")
    cluster.kubectl("create", "rolebinding", "reader", "-n", namespace, "--role=reader", f"--serviceaccount={namespace}:default")  # fmt: skip
    assert cluster.kubectl("auth", "can-i", "list", "secrets", "-n", namespace, account) == "yes\n"
    assert "kubernetes-admin" in cluster.kubectl("auth", "whoami")
    assert "secrets" in cluster.kubectl("auth", "can-i", "--list", "-n", namespace, account)


def test_a_token_of_create_token_opens_the_api(cluster: Shell, namespace: str) -> None:
    token = cluster.kubectl("create", "token", "default", "-n", namespace, "--duration=10m").strip()
    who = cluster.kubectl("auth", "whoami", f"--token={token}", "--kubeconfig", str(_without_user(cluster)))
    assert f"system:serviceaccount:{namespace}:default" in who


def _without_user(cluster: Shell) -> Path:
    """The cluster's kubeconfig without the administrator's certificate, which would win over a token."""
    config = yaml.safe_load(cluster.kubectl("config", "view", "--raw", "-o", "yaml"))
    config["users"] = [{"name": user["name"], "user": {}} for user in config["users"]]
    path = cluster.home / "anonymous.kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path


def test_run_and_expose(cluster: Shell, web: str) -> None:
    cluster.kubectl("expose", "deployment", "web", "-n", web, "--port=80", "--target-port=8080")
    shown = cluster.kubectl("run", "caller", "-n", web, f"--image={IMAGE}", "--restart=Never", "--rm", "-i", "-q", "--", "bash", "-c", _python_fetch(10))  # fmt: skip
    assert len(set(re.findall(r"web-\w+-\w+", shown))) == 2


def _python_fetch(times: int) -> str:
    """Ask the Service by its name that many times."""
    ask = "print(u.urlopen('http://web', timeout=5).read().decode())"
    return f'python3 -c "import urllib.request as u\nfor i in range({times}): {ask}"'


def test_top_shows_what_nodes_and_pods_really_use(cluster: Shell, namespace: str) -> None:
    busy = "apiVersion: v1\nkind: Pod\nmetadata: {name: busy}\nspec: {containers: [{name: main, image: wherry.local/host, command: [sh, -c, 'while :; do :; done']}]}\n"
    cluster.kubectl("apply", "-n", namespace, "-f", "-", input=busy)
    cluster.kubectl("wait", "-n", namespace, "pod/busy", "--for=condition=Ready", "--timeout=20s")

    def millicores() -> int:
        shown = cluster.kubectl("top", "pod", "busy", "-n", namespace, "--no-headers")
        return int(re.split(r" +", shown)[1].removesuffix("m"))

    # The machine may be busy with other things, but a loop gets some of it.
    assert eventually(lambda: millicores() > 50, seconds=40, every=1)
    shown = cluster.kubectl("top", "nodes")
    assert shown.split()[:5] == ["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"]
    assert len(re.findall(rf"^{cluster.name}-[12] +[1-9]\d*m +\d+% +[1-9]\d*Mi +\d+% *$", shown, re.M)) == 2
    assert "busy" in cluster.wherry("top", "pods", "-n", namespace, "--containers")


def test_a_load_balancer_is_reachable_from_the_machine(cluster: Shell, web: str) -> None:
    cluster.kubectl("expose", "deployment", "web", "-n", web, "--type=LoadBalancer", "--port=80", "--target-port=8080")

    def address() -> str:
        status = cluster.json("get", "service", "web", "-n", web)["status"]["loadBalancer"]
        return str(status["ingress"][0]["ip"]) if status else ""

    found = eventually(address)

    def names(times: int = 12) -> set[str]:
        return {urllib.request.urlopen(f"http://{found}/", timeout=5).read().decode().strip() for _ in range(times)}

    eventually(lambda: len(names()) == 2)
    cluster.kubectl("patch", "service", "web", "-n", web, "-p", '{"spec": {"externalTrafficPolicy": "Local"}}')
    check = cluster.json("get", "service", "web", "-n", web)["spec"]["healthCheckNodePort"]
    pods = cluster.json("get", "pods", "-n", web, "-l", "app=web")["items"]
    busy = {pod["status"]["hostIP"] for pod in pods}

    def healthy() -> bool:
        for node in cluster.json("get", "nodes")["items"]:
            host = node["status"]["addresses"][0]["address"]
            try:
                answer = urllib.request.urlopen(f"http://{host}:{check}/", timeout=5)
                assert host in busy
                assert json.load(answer)["localEndpoints"] == sum(pod["status"]["hostIP"] == host for pod in pods)
            except urllib.error.HTTPError as error:
                assert (error.code, host in busy) == (503, False)
        return bool(names())

    eventually(healthy)
    cluster.kubectl("delete", "service", "web", "-n", web)

    def is_gone() -> bool:
        try:
            urllib.request.urlopen(f"http://{found}/", timeout=2).close()
        except OSError:
            return True
        return False

    eventually(is_gone)


def test_events_and_quick_errors(cluster: Shell, namespace: str) -> None:
    unknown = cluster.kubectl("get", "flowers", check=False)
    assert unknown == 'error: the server doesn\'t have a resource type "flowers"\n'
    bad = "apiVersion: v1\nkind: Pod\nmetadata: {name: Bad_Name}\nspec: {containers: [{name: c, image: x, ports: [{containerPort: 0}]}]}\n"
    told = cluster.kubectl("apply", "-n", namespace, "-f", "-", input=bad, check=False)
    assert "metadata.name: Invalid value" in told
    assert "spec.containers[0].ports[0].containerPort: " in told
    strict = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndatta: {}\n"
    told = cluster.kubectl("apply", "-n", namespace, "-f", "-", input=strict, check=False)
    assert 'unknown field "datta"' in told
