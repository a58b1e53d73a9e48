"""The plan: what to start, stop and wait for."""

from wherry.node.pod.observed import HASH_LABEL, RESOURCES_LABEL, Failure, Observed, ProbeVerdict, Waiting
from wherry.node.pod.plan import decide
from wherry.node.pod.restart import BackoffEntry, go_duration, next_entry, ready_at
from wherry.testing.pods import pod, seen, sidecar, state


def test_first_comes_the_sandbox():
    assert decide(pod(), Observed(), 0).set_up


def test_app_containers_start_in_order():
    assert decide(pod("a", "b"), seen(), 0).start == ("a", "b")


def test_init_containers_one_after_another():
    wanted = pod(init=("x", "y"))
    assert decide(wanted, seen(), 0).start == ("x",)
    assert decide(wanted, seen(state("x")), 0).start == ()
    assert decide(wanted, seen(state("x", "exited")), 0).start == ("y",)
    assert decide(wanted, seen(state("x", "exited"), state("y", "exited")), 0).start == ("a",)
    assert decide(wanted, seen(state("y", "exited")), 0).start == ("a",)  # the first one was removed since


def test_failed_init_container():
    assert decide(pod(init=("x",)), seen(state("x", "exited", 1)), 500).start == ("x",)
    assert decide(pod(init=("x",), policy="Never"), seen(state("x", "exited", 1)), 0).finished


def test_sidecar_must_have_started_before_the_next():
    wanted = pod(init=(sidecar("s"), "y"))
    assert decide(wanted, seen(), 0).start == ("s",)
    waiting = seen(state("s"), probes={"s0": ProbeVerdict(started=False)})
    assert decide(wanted, waiting, 0).start == ()
    assert decide(wanted, seen(state("s")), 0).start == ("y",)
    assert decide(wanted, seen(state("s"), state("y", "exited")), 0).start == ("a",)
    both = seen(state("s", "exited"), state("y", "exited"), state("a"))
    assert decide(wanted, both, 500).start == ("s",)


def test_sidecars_do_not_keep_a_finished_pod_alive():
    wanted = pod(init=(sidecar("s"),), policy="Never")
    assert decide(wanted, seen(state("s"), state("a", "exited")), 0).finished


def test_restart_policies():
    failed, fine = seen(state("a", "exited", 1)), seen(state("a", "exited", 0))
    assert decide(pod(), fine, 500).start == ("a",)
    assert decide(pod(policy="OnFailure"), failed, 500).start == ("a",)
    assert decide(pod(policy="OnFailure"), fine, 500).finished
    assert decide(pod(policy="Never"), failed, 500).finished


def test_restart_rules_of_a_container():
    rules = [{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}]
    wanted = pod({"name": "a", "image": "i", "restartPolicy": "Never", "restartPolicyRules": rules}, policy="Never")
    assert decide(wanted, seen(state("a", "exited", 42)), 500).start == ("a",)
    assert decide(wanted, seen(state("a", "exited", 1)), 500).finished


def test_crash_loop():
    crashed = seen(state("a", "exited", 1), backoffs={"a": BackoffEntry(20, 90)})
    plan = decide(pod(), crashed, 105)
    assert plan.start == () and plan.wake_at == 121
    text = "back-off 20s restarting failed container=a pod=p_n(u)"
    assert plan.waiting == {"a": Waiting("CrashLoopBackOff", text)}
    assert decide(pod(), crashed, 121).start == ("a",)


def test_back_off_arithmetic():
    entry = next_entry(None, 0, 0)
    assert (entry.delay, ready_at(None, 5), ready_at(entry, 5)) == (10, 5, 15)
    for _ in range(6):
        entry = next_entry(entry, 0, 0)
    assert entry.delay == 300
    assert ready_at(entry, 601) == 601 and next_entry(entry, 601, 602).delay == 10
    assert [go_duration(s) for s in (10, 80, 300, 3600)] == ["10s", "1m20s", "5m0s", "1h0m0s"]


def test_a_failed_start_waits():
    failure = Failure(waiting=Waiting("ErrImagePull", "no"), retry_at=10)
    plan = decide(pod("a", "b"), seen(failures={"a": failure}), 5)
    assert plan.start == ("b",) and plan.waiting["a"].reason == "ErrImagePull" and plan.wake_at == 10


def test_failed_liveness_probe():
    app = {"name": "a", "image": "i", "livenessProbe": {"terminationGracePeriodSeconds": 3}}
    bad = seen(state("a"), probes={"a0": ProbeVerdict(failed="liveness")})
    (kill,) = decide(pod(app), bad, 0).kill
    assert (kill.message, kill.grace_seconds) == ("Container a failed liveness probe, will be restarted", 3)
    (kill,) = decide(pod(app, policy="Never"), bad, 0).kill
    assert kill.message == "Container a failed liveness probe"


def test_changed_definition():
    old = seen(state("a", labels={HASH_LABEL: "other"}))
    (kill,) = decide(pod(policy="Never"), old, 0).kill
    assert kill.redo and kill.message == "Container a definition changed, will be restarted"
    again = seen(state("a", "exited", 143), redo=frozenset({"a"}))
    assert decide(pod(policy="Never"), again, 500).start == ("a",)


def test_a_new_sandbox_runs_the_init_containers_again():
    wanted = pod(init=("x",))
    before = seen(state("x", "exited"), state("a", "exited", 137), sandbox_since=200.0)
    assert decide(wanted, before, 500).start == ("x",)
    gone = seen(state("a", "exited", 137), sandbox_ready=False)
    assert decide(wanted, gone, 500).set_up
    assert decide(pod(policy="Never"), gone, 500).finished


def test_ephemeral_containers_start_once():
    wanted = pod(ephemeralContainers=[{"name": "e", "image": "i"}])
    assert decide(wanted, seen(state("a")), 0).start == ("e",)
    assert decide(wanted, seen(state("a"), state("e", "exited")), 0).start == ()


def test_changed_resources():
    app = {"name": "a", "image": "i", "resources": {"limits": {"cpu": "2"}}}
    running = state("a", labels={RESOURCES_LABEL: "requests.cpu=,requests.memory=,limits.cpu=1,limits.memory="})
    assert decide(pod(app), seen(running), 0).resize == (running,)
    app["resizePolicy"] = [{"resourceName": "cpu", "restartPolicy": "RestartContainer"}]
    (kill,) = decide(pod(app), seen(running), 0).kill
    assert kill.message == "Container a resize requires restart, will be restarted"
