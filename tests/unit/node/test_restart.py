"""The agent dies and comes back: nothing restarts, nothing runs twice, what is left over goes."""

import pytest

from wherry.node.runtimes.fake.behaviour import Behaviour
from wherry.testing.pod_network import page
from wherry.testing.pods import container, pod


async def test_running_pods_are_adopted(node):
    node.network.serve(80, page(200))
    probe = {"tcpSocket": {"port": 80}}
    before = await node.run_pod(pod(container("a", readinessProbe=probe)))
    (state,) = node.states("a")
    await node.restart()
    await node.clock.advance(2)
    assert node.states("a") == [state]
    after = await node.pod()
    assert after["status"] == before["status"]


async def test_ends_are_noticed(node):
    await node.run_pod(pod(policy="Never"))
    await node.stop()
    (state,) = node.states("a")
    node.machine.end(node.machine.containers[state.id], 0)
    await node.start()
    await node.clock.advance(1)
    assert (await node.status())["phase"] == "Succeeded"


async def test_restart_counts_go_on(node):
    node.behaviours["a"] = Behaviour(exit_after_seconds=60, exit_code=1)
    await node.run_pod(pod())
    await node.clock.advance(61)
    assert (await node.container())["restartCount"] == 1
    await node.restart()
    await node.clock.advance(65)
    assert (await node.container())["restartCount"] == 2


async def test_pods_that_are_gone_are_removed(node):
    await node.run_pod(pod())
    await node.stop()
    await node.delete(grace_period_seconds=0)
    await node.start()
    await node.clock.advance(3)
    assert not node.runtime.containers() and not node.runtime.sandboxes() and not node.network.attached()
    assert not list(node.config.logs_root.iterdir()) and not list(node.config.files_root.iterdir())


async def test_a_deletion_is_finished(node):
    await node.run_pod(pod())
    await node.stop()
    await node.delete(grace_period_seconds=5)
    await node.start()
    await node.clock.advance(7)
    assert not await node.exists() and not node.runtime.containers()


async def test_death_between_create_and_start(node):
    await node.run_pod(pod())
    await node.stop()
    (state,) = node.states("a")
    made = node.machine.containers.pop(state.id)
    node.machine.add(made.spec, made.behaviour)
    await node.start()
    await node.clock.advance(1)
    (again,) = node.states("a")
    assert again.phase == "running" and again.attempt == 0
    assert (await node.container())["restartCount"] == 0


async def test_finished_pods_stay_as_they_are(node):
    node.behaviours["a"] = Behaviour(exit_after_seconds=1, exit_code=2)
    await node.run_pod(pod(policy="Never"), seconds=2)
    before = await node.pod()
    await node.restart()
    await node.clock.advance(2)
    assert await node.pod() == before and len(node.states("a")) == 1


async def test_a_machine_that_was_switched_off(node):
    await node.run_pod(pod())
    await node.stop()
    (state,) = node.states("a")
    node.machine.end(node.machine.containers[state.id], 137)
    node.machine.sandboxes.clear()
    await node.start()
    await node.clock.advance(1)
    assert (await node.container())["restartCount"] == 1 and (await node.status())["phase"] == "Running"
    assert "SandboxChanged" in [
        event["reason"] for event in (await node.client.list("events", namespace="default"))["items"]
    ]


@pytest.mark.parametrize("slow", [0.0, 3.0])
async def test_a_machine_that_was_cleared_counts_each_time(node, slow):
    """As `wherry stop` does; also where the loss is told before the next attempt has started."""
    node.behaviours["a"] = Behaviour(output=(("stdout", "hello"),))
    await node.run_pod(pod())
    for times in (1, 2):
        await node.stop()
        node.machine.containers.clear()
        node.machine.sandboxes.clear()
        node.behaviours["a"] = Behaviour(output=(("stdout", "hello"),), start_seconds=slow)
        await node.start()
        await node.clock.advance(5)
        status = await node.container()
        assert "running" in status["state"]
        assert status["restartCount"] == times == node.states("a")[-1].attempt
    assert status["lastState"]["terminated"]["reason"] == "ContainerStatusUnknown"


async def test_a_network_that_was_lost(node):
    await node.run_pod(pod(terminationGracePeriodSeconds=1))
    await node.stop()
    (before,) = node.states("a")
    await node.network.detach(before.pod_uid)
    await node.start()
    await node.clock.advance(3)
    (after,) = node.states("a")
    assert after.id != before.id and (await node.container())["restartCount"] == 1
    assert (await node.status())["podIP"] == "10.244.0.3"


async def test_the_same_agent_may_run_again(node):
    await node.run_pod(pod())
    await node.stop()
    (state,) = node.states("a")
    await node.start_again()
    await node.clock.advance(2)
    assert node.states("a") == [state]
    node.machine.end(node.machine.containers[state.id], 1)
    await node.clock.advance(1)
    assert (await node.container())["restartCount"] == 1
