"""The loop against the real API server in the same process."""

from __future__ import annotations

from wherry.api.types import Object
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.testing.scheduling import node, pod, scheduling

GATES = [{"name": "example.com/later"}]


async def test_a_pod_is_bound_at_once_and_an_event_tells_of_it():
    async with scheduling(node("n1")) as cluster:
        await cluster.create(pod("p", cpu="1"))
        assert await cluster.node_of("p") == "n1"
        assert (await cluster.condition("p"))["status"] == "True"
        assert await cluster.events("Scheduled") == ["Successfully assigned default/p to n1"]


async def test_pods_spread_over_nodes_by_what_is_free():
    async with scheduling(node("n1"), node("n2")) as cluster:
        await cluster.create(*(pod(f"p{i}", cpu="1") for i in range(4)))
        assert sorted([await cluster.node_of(f"p{i}") for i in range(4)]) == ["n1", "n1", "n2", "n2"]


async def test_why_a_pod_is_pending_stands_in_event_and_condition():
    taint = {"key": "a", "value": "b", "effect": "NoSchedule"}
    nodes = [node("n1", cpu="1"), node("n2", taints=[taint]), node("n3", taints=[taint])]
    async with scheduling(*nodes) as cluster:
        await cluster.create(pod("p", cpu="2"))
        text = "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint(s)."
        assert [message[: len(text)] for message in await cluster.events("FailedScheduling")] == [text]
        condition = await cluster.condition("p")
        assert (condition["status"], condition["reason"]) == ("False", "Unschedulable")
        assert condition["message"].startswith(text)


async def test_a_pod_waits_for_the_first_node():
    async with scheduling(pod("p")) as cluster:
        assert (await cluster.condition("p"))["message"] == "no nodes available to schedule pods"
        await cluster.create(node("n1"))
        assert await cluster.node_of("p") == "n1"


async def test_a_pod_comes_back_when_another_one_leaves():
    async with scheduling(node("n1", cpu="1")) as cluster:
        await cluster.create(pod("first", cpu="1"), pod("second", cpu="1"))
        assert await cluster.node_of("second") is None
        await cluster.client.delete("pods", "first", namespace="default", grace_period_seconds=0)
        await cluster.clock.settle()
        assert await cluster.node_of("second") == "n1"


async def test_a_pod_that_is_over_holds_nothing():
    async with scheduling(node("n1", cpu="1")) as cluster:
        await cluster.create(pod("first", cpu="1"), pod("second", cpu="1"))
        patch = {"status": {"phase": "Succeeded"}}
        await cluster.client.patch("pods", "first", patch, namespace="default", subresource="status")
        await cluster.clock.settle()
        assert await cluster.node_of("second") == "n1"


async def test_a_cordoned_node_is_used_again_after_uncordon():
    async with scheduling(node("n1", unschedulable=True)) as cluster:
        await cluster.create(pod("p"))
        assert await cluster.node_of("p") is None
        await cluster.client.patch("nodes", "n1", {"spec": {"unschedulable": None, "taints": None}})
        await cluster.clock.settle()
        assert await cluster.node_of("p") == "n1"


async def test_changes_that_do_not_help_do_not_wake_a_pod():
    async with scheduling(node("n1", cpu="1")) as cluster:
        await cluster.create(pod("p", cpu="2"))
        await cluster.client.patch("nodes", "n1", {"metadata": {"labels": {"a": "b"}}})
        await cluster.create(node("n2", cpu="1"))
        await cluster.clock.advance(60)
        assert len(await cluster.events("FailedScheduling")) == 1
        assert cluster.scheduler.queue.place((await cluster.pod("p"))["metadata"]["uid"]) == "parked"


async def test_after_five_minutes_a_pod_is_tried_all_the_same():
    async with scheduling(node("n1", cpu="1")) as cluster:
        await cluster.create(pod("p", cpu="2"))
        await cluster.clock.advance(301)
        events = (await cluster.client.list("events", namespace="default"))["items"]
        assert [event["count"] for event in events if event["reason"] == "FailedScheduling"] == [2]


async def test_gated_pods_wait_for_the_last_gate():
    async with scheduling(node("n1")) as cluster:
        await cluster.create(pod("p", schedulingGates=GATES))
        assert await cluster.node_of("p") is None
        assert (await cluster.condition("p"))["reason"] == "SchedulingGated"
        await cluster.client.patch("pods", "p", {"spec": {"schedulingGates": None}}, namespace="default")
        await cluster.clock.settle()
        assert await cluster.node_of("p") == "n1"


async def test_what_it_has_done_is_counted():
    async with scheduling(node("n1", cpu="1")) as cluster:
        await cluster.create(pod("p", cpu="1"), pod("q", cpu="1"), pod("gated", schedulingGates=GATES))
        lines = [line for line in cluster.scheduler.metric_lines() if not line.startswith("#")]
        attempts = 'scheduler_schedule_attempts_total{profile="default-scheduler",result='
        assert f'{attempts}"scheduled"}} 1' in lines
        assert f'{attempts}"unschedulable"}} 1' in lines
        assert "scheduler_pod_scheduling_attempts_sum 1" in lines
        assert 'scheduler_pod_scheduling_sli_duration_seconds_count{attempts="1"} 1' in lines
        assert (
            f'{attempts.replace("schedule_attempts_total", "scheduling_attempt_duration_seconds_count")}"scheduled"}} 1'
            in lines
        )
        pending = [line for line in lines if line.startswith("scheduler_pending_pods")]
        assert pending == [
            f'scheduler_pending_pods{{queue="{queue}"}} {count}'
            for queue, count in (("active", 0), ("backoff", 0), ("unschedulable", 1), ("gated", 1))
        ]


async def test_pods_of_other_schedulers_are_left_alone():
    async with scheduling(node("n1")) as cluster:
        await cluster.create(pod("p", schedulerName="other"))
        assert await cluster.node_of("p") is None
        assert await cluster.events("FailedScheduling") == []


async def test_pods_bound_by_others_count():
    async with scheduling(node("n1", cpu="1")) as cluster:
        await cluster.create(pod("own", cpu="1", node_name="n1"), pod("p", cpu="1"))
        assert (await cluster.condition("p"))["message"].startswith("0/1 nodes are available: 1 Insufficient cpu.")


async def test_a_node_that_goes_and_comes_back():
    async with scheduling(node("n1")) as cluster:
        await cluster.client.delete("nodes", "n1")
        await cluster.create(pod("p"))
        assert await cluster.node_of("p") is None
        await cluster.create(node("n1"))
        assert await cluster.node_of("p") == "n1"


async def test_an_idle_scheduler_waits_for_nothing_on_the_clock():
    async with scheduling(node("n1")) as cluster:
        before = cluster.clock.sleepers
        await cluster.create(pod("p"))
        assert await cluster.node_of("p") == "n1"
        assert cluster.clock.sleepers == before


async def test_pods_of_a_service_come_on_different_nodes():
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
    }
    async with scheduling(node("n1", cpu="8"), node("n2", cpu="2"), service) as cluster:
        await cluster.create(*(pod(f"p{i}", labels={"app": "web"}) for i in range(2)))
        assert {await cluster.node_of(f"p{i}") for i in range(2)} == {"n1", "n2"}


async def test_companions_are_looked_up_anew_when_a_service_comes_or_changes():
    def service(app: str) -> Object:
        spec = {"selector": {"app": app}, "ports": [{"port": 80}]}
        return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "default"}, "spec": spec}

    async with scheduling(node("n1")) as cluster:
        companions = cluster.scheduler.companions
        wanted = PodInfo(pod("p", labels={"app": "web"}))
        assert companions.selector(wanted) is None
        await cluster.create(service("web"))
        assert str(companions.selector(wanted)) == "app=web"
        await cluster.client.patch("services", "s", {"spec": {"selector": {"app": "db"}}}, namespace="default")
        await cluster.clock.settle()
        assert companions.selector(wanted) is None


async def test_a_pod_that_others_wait_for():
    near = {
        "podAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [
                {"labelSelector": {"matchLabels": {"app": "db"}}, "topologyKey": "kubernetes.io/hostname"}
            ]
        }
    }
    async with scheduling(node("n1"), node("n2")) as cluster:
        await cluster.create(pod("web", affinity=near))
        assert (await cluster.condition("web"))["message"].startswith(
            "0/2 nodes are available: 2 node(s) didn't match pod affinity rules."
        )
        await cluster.create(pod("db", labels={"app": "db"}))
        assert await cluster.node_of("web") == await cluster.node_of("db") is not None


async def test_a_binding_that_is_refused_is_tried_again():
    async with scheduling(node("n1", cpu="1")) as cluster:
        cluster.refuse_bindings = 2
        await cluster.create(pod("p", cpu="1"))
        assert await cluster.node_of("p") is None
        assert (await cluster.condition("p"))["reason"] == "SchedulerError"
        await cluster.clock.advance(1)
        assert await cluster.node_of("p") is None
        await cluster.clock.advance(2)
        assert await cluster.node_of("p") == "n1"


async def test_many_nodes_are_looked_at_all_at_once():
    """From a hundred nodes on it is arrays that decide; what comes out is the same."""
    zone = "topology.kubernetes.io/zone"
    spread = {
        "maxSkew": 1,
        "topologyKey": zone,
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "a"}},
    }
    nodes = [node(f"n{i}", cpu="1", labels={zone: "abc"[i % 3]}) for i in range(102)]
    async with scheduling(*nodes) as cluster:
        made = [pod(f"p{i}", cpu="1", labels={"app": "a"}, topologySpreadConstraints=[spread]) for i in range(9)]
        await cluster.create(*made)
        chosen = [await cluster.node_of(f"p{i}") for i in range(9)]
        zones = ["abc"[int(str(name)[1:]) % 3] for name in chosen]
        assert len(set(chosen)) == 9
        assert [zones.count(each) for each in "abc"] == [3, 3, 3]
        await cluster.create(pod("big", cpu="2"))
        assert (await cluster.condition("big"))["message"].startswith(
            "0/102 nodes are available: 102 Insufficient cpu. no new claims to deallocate, preemption: 0/102 nodes are "
            "available: 102 Preemption is not helpful for scheduling."
        )
        await cluster.create(node("large", cpu="8"))
        assert await cluster.node_of("big") == "large"
