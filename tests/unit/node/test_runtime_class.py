"""A RuntimeClass that has gone between a pod's admission and its start."""

from wherry.testing.pods import pod

CLASSES = "runtimeclasses.node.k8s.io"


async def test_a_pod_waits_until_its_runtime_class_is_there(node):
    await node.client.create(CLASSES, {"metadata": {"name": "sandboxed"}, "handler": "runc"})
    wanted = pod(runtimeClassName="sandboxed")
    await node.stop()
    await node.run_pod(wanted)
    await node.client.delete(CLASSES, "sandboxed")
    await node.start()
    await node.clock.advance(1)
    assert (await node.status())["phase"] == "Pending" and not node.runtime.containers()
    assert set(await node.events("FailedCreatePodSandBox")) == {
        'Failed to create pod sandbox: runtimeclass.node.k8s.io "sandboxed" not found'
    }
    await node.client.create(CLASSES, {"metadata": {"name": "sandboxed"}, "handler": "runc"})
    await node.clock.advance(120)
    assert (await node.status())["phase"] == "Running"
