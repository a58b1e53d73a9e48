"""The agent from outside: pods that are bound to its node, over the real API server."""

from pathlib import Path

from wherry.api.errors import NotFound
from wherry.node.runtimes.fake.behaviour import Behaviour, ExecResult
from wherry.testing.nodes import test_node
from wherry.testing.pod_network import page
from wherry.testing.pods import container, pod, sidecar


def condition(status, type_):
    return next(entry for entry in status["conditions"] if entry["type"] == type_)


def text(*path):
    return Path(*path).read_text()


async def test_registers_the_node(node):
    found = await node.client.get("nodes", "node-1")
    assert found["metadata"]["labels"]["kubernetes.io/hostname"] == "node-1"
    assert found["status"]["nodeInfo"]["kubeletVersion"] == "v1.36.0"
    assert found["status"]["capacity"]["cpu"] == "4" and found["status"]["allocatable"]["pods"] == "110"
    assert condition(found["status"], "Ready")["status"] == "True"
    lease = await node.client.get("leases.coordination.k8s.io", "node-1", namespace="kube-node-lease")
    assert lease["spec"]["holderIdentity"] == "node-1"
    await node.clock.advance(10)
    again = await node.client.get("leases.coordination.k8s.io", "node-1", namespace="kube-node-lease")
    assert again["spec"]["renewTime"] > lease["spec"]["renewTime"]
    assert (await node.client.get("nodes", "node-1"))["metadata"]["resourceVersion"] == found["metadata"][
        "resourceVersion"
    ]


async def test_runs_a_pod(node):
    found = await node.run_pod(pod())
    status = found["status"]
    assert status["phase"] == "Running" and condition(status, "Ready") == {
        **condition(status, "Ready"),
        "status": "True",
    }
    assert "reason" not in condition(status, "Ready")
    assert status["podIP"] == "10.244.0.2" and status["hostIP"] == "192.168.0.1"
    assert await node.events("Pulling", "Created", "Started") == [
        'Pulling image "example.org/image:1"',
        "Container created",
        "Container started",
    ]
    assert node.agent.pod("default", "p")["status"] == node.agent.pods()[0]["status"]


async def test_deletes_gracefully(node):
    node.behaviours["a"] = Behaviour(ignores=frozenset({"SIGTERM"}))
    await node.run_pod(pod())
    await node.delete(grace_period_seconds=7)
    await node.clock.advance(6)
    assert (await node.status())["phase"] == "Running"
    await node.clock.advance(2)
    assert not await node.exists()
    assert await node.events("Killing") == ["Stopping container a"]
    await node.clock.advance(1)
    assert not node.runtime.sandboxes() and not node.network.attached() and not node.runtime.containers()
    assert not list(node.config.logs_root.iterdir()) and not list(node.config.files_root.iterdir())


async def test_shortened_grace(node):
    node.behaviours["a"] = Behaviour(ignores=frozenset({"SIGTERM"}))
    await node.run_pod(pod())
    await node.delete(grace_period_seconds=300)
    await node.clock.advance(5)
    await node.delete(grace_period_seconds=2)
    await node.clock.advance(3)
    assert not await node.exists()


async def test_force_deletion(node):
    await node.run_pod(pod())
    await node.delete(grace_period_seconds=0)
    await node.clock.advance(4)
    assert not node.runtime.containers() and not node.network.attached()


async def test_crash_loop(node):
    node.behaviours["a"] = Behaviour(exit_after_seconds=1, exit_code=3)
    await node.run_pod(pod())
    await node.clock.advance(2)
    found = await node.container()
    assert found["restartCount"] == 1
    await node.clock.advance(0.5)
    found = await node.container()
    assert found["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert found["lastState"]["terminated"]["exitCode"] == 3
    assert found["state"]["waiting"]["message"].startswith("back-off 10s restarting failed container=a pod=p_default(")
    await node.clock.advance(10)
    assert (await node.container())["restartCount"] == 2
    await node.clock.advance(15)
    assert (await node.container())["restartCount"] == 2
    await node.clock.advance(10)
    assert (await node.container())["restartCount"] == 3
    assert len(node.states("a")) == 2
    assert (await node.events("BackOff"))[0].startswith("Back-off restarting failed container a in pod p_default(")


async def test_jobs_end(node):
    node.behaviours["a"] = Behaviour(exit_after_seconds=1)
    node.behaviours["b"] = Behaviour(exit_after_seconds=1, exit_code=1)
    await node.run_pod(pod("a", policy="Never", name="good"), seconds=2)
    await node.run_pod(pod("b", policy="OnFailure", name="again"), seconds=2)
    await node.run_pod(pod("b", policy="Never", name="bad"), seconds=2)
    assert (await node.status("good"))["phase"] == "Succeeded"
    assert (await node.container("a", pod="good"))["state"]["terminated"]["reason"] == "Completed"
    assert (await node.status("bad"))["phase"] == "Failed"
    assert (await node.status("again"))["phase"] == "Running"
    assert len(node.network.attached()) == 1  # only the one that goes on has an address
    assert (await node.status("good"))["podIP"]


async def test_init_containers_then_apps(node):
    node.behaviours["x"] = Behaviour(exit_after_seconds=1)
    found = await node.run_pod(pod(init=("x",)))
    assert found["status"]["phase"] == "Pending" and not node.states("a")
    assert condition(found["status"], "Initialized")["reason"] == "ContainersNotInitialized"
    await node.clock.advance(1)
    assert (await node.status())["phase"] == "Running"
    assert (await node.container("x"))["ready"]


async def test_failed_init_container_fails_the_pod(node):
    node.behaviours["x"] = Behaviour(exit_after_seconds=1, exit_code=1)
    await node.run_pod(pod(init=("x",), policy="Never"), seconds=2)
    status = await node.status()
    assert status["phase"] == "Failed" and not node.states("a")
    assert status["containerStatuses"][0]["state"]["waiting"]["reason"] == "PodInitializing"


async def test_sidecars_stop_last(node):
    node.behaviours["a"] = Behaviour(ignores=frozenset({"SIGTERM"}))
    await node.run_pod(pod(init=(sidecar("s"), sidecar("t"))))
    await node.delete(grace_period_seconds=5)
    await node.clock.advance(4.5)
    assert [len(node.states(name)) and node.states(name)[0].phase for name in "st"] == ["running", "running"]
    await node.clock.advance(6)
    assert not await node.exists()


async def test_readiness_over_http(node):
    probe = {"httpGet": {"path": "/ok", "port": "web"}, "periodSeconds": 10, "failureThreshold": 2}
    app = container("a", ports=[{"name": "web", "containerPort": 80}], readinessProbe=probe)
    await node.run_pod(pod(app))
    assert not (await node.container())["ready"]
    assert await node.events("Unhealthy") == []  # it was merely too early
    node.network.serve(80, page(200))
    await node.clock.advance(3)
    assert (await node.container())["ready"]  # found well before the period is over
    assert condition(await node.status(), "Ready")["status"] == "True"
    node.network.serve(80, page(503))
    await node.clock.advance(12)
    assert (await node.container())["ready"]
    await node.clock.advance(12)
    assert not (await node.container())["ready"]
    assert "Readiness probe failed: HTTP probe failed with statuscode: 503" in await node.events("Unhealthy")


async def test_liveness_restarts(node):
    node.behaviours["a"] = Behaviour(exec=lambda _: ExecResult(exit_code=1, stderr=b"broken"))
    probe = {"exec": {"command": ["check"]}, "periodSeconds": 1, "failureThreshold": 3}
    await node.run_pod(pod(container("a", livenessProbe=probe)), seconds=2.5)
    assert "Liveness probe failed: broken" in await node.events("Unhealthy")
    await node.clock.advance(1)
    assert await node.events("Killing") == ["Container a failed liveness probe, will be restarted"]
    assert (await node.container())["restartCount"] == 1


async def test_startup_probe_comes_first(node):
    app = container(
        "a",
        startupProbe={"tcpSocket": {"port": 80}, "periodSeconds": 1, "failureThreshold": 30},
        livenessProbe={"tcpSocket": {"port": 81}, "periodSeconds": 1, "failureThreshold": 1},
    )
    await node.run_pod(pod(app), seconds=5)
    found = await node.container()
    assert found["started"] is False and found["restartCount"] == 0
    refused = "dial tcp 10.244.0.2:80: connect: connection refused"
    assert await node.events("Unhealthy") == [f"Startup probe failed: {refused}"]
    node.network.serve(80, page(200))
    await node.clock.advance(2.5)
    assert "Liveness probe failed: dial tcp 10.244.0.2:81: connect: connection refused" in await node.events(
        "Unhealthy"
    )


async def test_image_that_cannot_be_pulled(node):
    node.images.missing.add("example.org/image:1")
    await node.run_pod(pod())
    assert (await node.container())["state"]["waiting"]["reason"] == "ErrImagePull"
    await node.clock.advance(3)
    waiting = (await node.container())["state"]["waiting"]
    assert waiting["reason"] == "ImagePullBackOff"
    assert waiting["message"].startswith('Back-off pulling image "example.org/image:1": ErrImagePull: ')
    node.images.missing.clear()
    await node.clock.advance(10)
    assert (await node.status())["phase"] == "Running"


async def test_image_that_must_be_here(node):
    await node.run_pod(pod(container("a", imagePullPolicy="Never")))
    waiting = (await node.container())["state"]["waiting"]
    assert waiting["reason"] == "ErrImageNeverPull"


async def test_missing_config_map_and_then_not(node):
    reference = {"configMapKeyRef": {"name": "c", "key": "k"}}
    await node.run_pod(pod(container("a", env=[{"name": "A", "valueFrom": reference}])))
    waiting = (await node.container())["state"]["waiting"]
    assert waiting == {"reason": "CreateContainerConfigError", "message": 'configmap "c" not found'}
    await node.client.create("configmaps", {"metadata": {"name": "c", "namespace": "default"}, "data": {"k": "v"}})
    await node.clock.advance(1)
    assert (await node.status())["phase"] == "Running"
    assert dict(node.made("a").environment)["A"] == "v"


async def test_changed_config_maps_reach_running_pods(node):
    await node.client.create("configmaps", {"metadata": {"name": "c", "namespace": "default"}, "data": {"k": "1"}})
    app = container("a", volumeMounts=[{"name": "v", "mountPath": "/v"}])
    await node.run_pod(pod(app, volumes=[{"name": "v", "configMap": {"name": "c"}}]))
    source = next(mount.source for mount in node.made("a").mounts if mount.target == "/v")
    assert text(source, "k") == "1"
    await node.client.patch("configmaps", "c", {"data": {"k": "2", "m": "3"}}, namespace="default")
    await node.clock.advance(1)
    assert text(source, "k") == "2"
    assert (await node.container())["restartCount"] == 0


async def test_refuses_what_does_not_fit(node):
    app = container("a", resources={"requests": {"cpu": "3"}})
    await node.run_pod(pod(app, name="one"))
    found = await node.run_pod(pod(app, name="two"))
    assert found["status"]["phase"] == "Failed" and found["status"]["reason"] == "OutOfcpu"
    assert "requested: 3000, used: 3000, capacity: 4000" in found["status"]["message"]
    await node.delete("two")
    await node.clock.advance(1)
    assert not await node.exists("two")


async def test_deadline(node):
    await node.run_pod(pod(activeDeadlineSeconds=5))
    await node.clock.advance(6)
    status = await node.status()
    assert (status["phase"], status["reason"]) == ("Failed", "DeadlineExceeded")
    assert node.states("a")[0].phase == "exited"


async def test_command_that_cannot_start(node):
    node.behaviours["a"] = Behaviour(start_error="no such file")
    await node.run_pod(pod())
    found = await node.container()
    assert found["state"]["waiting"] == {"reason": "RunContainerError", "message": "no such file"}
    await node.clock.advance(3)
    found = await node.container()
    assert found["lastState"]["terminated"]["exitCode"] == 128
    assert found["lastState"]["terminated"]["reason"] == "StartError"
    assert found["state"]["waiting"]["reason"] == "CrashLoopBackOff"


async def test_pre_stop_hook_runs_within_the_grace(node):
    asked = []
    node.behaviours["a"] = Behaviour(exec=lambda arguments: asked.append(list(arguments)) or ExecResult())
    await node.run_pod(pod(container("a", lifecycle={"preStop": {"exec": {"command": ["bye"]}}})))
    await node.run_pod(pod(container("b", lifecycle={"preStop": {"sleep": {"seconds": 3}}}), name="q"))
    await node.delete()
    await node.delete("q")
    await node.clock.advance(2)
    assert asked == [["bye"]] and not await node.exists() and await node.exists("q")
    await node.clock.advance(2)
    assert not await node.exists("q")


async def test_failed_post_start_hook(node):
    node.behaviours["a"] = Behaviour(exec=lambda _: ExecResult(exit_code=1))
    await node.run_pod(pod(container("a", lifecycle={"postStart": {"exec": {"command": ["hi"]}}})))
    assert await node.events("FailedPostStartHook") == ["PostStartHook failed"]
    assert (await node.container())["state"]["waiting"]["reason"] == "PostStartHookError"


async def test_network_that_fails_at_first(node):
    from wherry.api.pod_network import NetworkFailure

    node.network.failure = NetworkFailure("no addresses left")
    await node.run_pod(pod())
    assert (await node.status())["phase"] == "Pending"
    assert "no addresses left" in (await node.events("FailedCreatePodSandBox"))[0]
    node.network.failure = None
    await node.clock.advance(10)
    assert (await node.status())["phase"] == "Running"


async def test_changed_image_restarts_the_container(node):
    await node.run_pod(pod())
    patch = {"spec": {"containers": [{"name": "a", "image": "example.org/image:2"}]}}
    await node.client.patch("pods", "p", patch, namespace="default", type="strategic")
    await node.clock.advance(1)
    found = await node.container()
    assert found["restartCount"] == 1 and found["image"] == "example.org/image:2"
    assert await node.events("Killing") == ["Container a definition changed, will be restarted"]


async def test_a_new_pod_of_the_same_name(node):
    first = await node.run_pod(pod())
    await node.delete(grace_period_seconds=0)
    second = await node.run_pod(pod(), seconds=5)
    assert first["metadata"]["uid"] != second["metadata"]["uid"]
    assert second["status"]["phase"] == "Running"
    assert {state.pod_uid for state in node.runtime.containers()} == {second["metadata"]["uid"]}


async def test_node_object_comes_back(node):
    await node.client.delete("nodes", "node-1")
    await node.clock.advance(301)
    try:
        await node.client.get("nodes", "node-1")
    except NotFound:
        raise AssertionError("the node was not registered again") from None


async def test_resize_in_place(node):
    await node.run_pod(pod(container("a", resources={"requests": {"cpu": "100m"}, "limits": {"cpu": "1"}})))
    patch = {"spec": {"containers": [{"name": "a", "resources": {"limits": {"cpu": "2"}}}]}}
    (before,) = node.states("a")
    await node.client.patch("pods", "p", patch, namespace="default", type="strategic", subresource="resize")
    await node.clock.advance(1)
    assert node.states("a") == [before]
    assert node.agent._workers[before.pod_uid]._applied[before.id].endswith("limits.cpu=2,limits.memory=")


async def test_missing_volume_source_and_then_not(node):
    app = container("a", volumeMounts=[{"name": "v", "mountPath": "/v"}])
    await node.run_pod(pod(app, volumes=[{"name": "v", "configMap": {"name": "c"}}]))
    assert (await node.container())["state"]["waiting"]["reason"] == "ContainerCreating"
    complaint = 'MountVolume.SetUp failed for volume "v" : configmap "c" not found'
    assert await node.events("FailedMount") == [complaint]
    await node.client.create("configmaps", {"metadata": {"name": "c", "namespace": "default"}, "data": {"k": "1"}})
    await node.clock.advance(0.5)
    assert (await node.status())["phase"] == "Running"


async def test_ephemeral_containers(node):
    await node.run_pod(pod())
    debugger = {"name": "debug", "image": "example.org/tools:1", "terminationMessagePolicy": "File"}
    patch = {"spec": {"ephemeralContainers": [debugger]}}
    await node.client.patch(
        "pods", "p", patch, namespace="default", type="strategic", subresource="ephemeralcontainers"
    )
    await node.clock.advance(0.5)
    assert "running" in (await node.container("debug"))["state"]
    assert (await node.status())["phase"] == "Running"


async def test_readiness_gates(node):
    found = await node.run_pod(pod(readinessGates=[{"conditionType": "example.org/gate"}]))
    assert condition(found["status"], "Ready")["reason"] == "ReadinessGatesNotReady"
    gate = {"status": {"conditions": [{"type": "example.org/gate", "status": "True"}]}}
    await node.client.patch("pods", "p", gate, namespace="default", type="strategic", subresource="status")
    await node.clock.advance(0.5)
    status = await node.status()
    assert condition(status, "Ready")["status"] == "True" and condition(status, "example.org/gate")["status"] == "True"


async def test_pods_that_only_pretend_leave_the_disk_alone(tmp_path):
    async with test_node(tmp_path, on_disk=False) as node:
        app = container("a", volumeMounts=[{"name": "v", "mountPath": "/v"}])
        found = await node.run_pod(pod(app, volumes=[{"name": "v", "secret": {"secretName": "none"}}]))
        assert found["status"]["phase"] == "Running"
        await node.delete()
        await node.clock.advance(2)
        assert not await node.exists()
    assert not list(tmp_path.iterdir())


async def test_pods_that_share_an_address_are_told_and_tell_their_ports(node):
    node.network.maps_ports = True
    found = await node.run_pod(pod(container("a", ports=[{"containerPort": 80}])))
    assert found["metadata"]["annotations"]["wherry.dev/port-map"] == '{"80": 20080}'
    assert dict(node.made("a").environment)["WHERRY_PORT_80"] == "20080"
    assert found["status"]["phase"] == "Running"
