"""The status of a pod: phase, conditions, container statuses."""

from wherry.node.pod.observed import ProbeVerdict, Waiting
from wherry.node.pod.status import Facts, build
from wherry.testing.pods import pod, seen, sidecar, state


def condition(status, type_):
    return next(entry for entry in status["conditions"] if entry["type"] == type_)


def test_running_pod():
    facts = Facts(node_addresses=("10.0.0.1",), pod_addresses=("10.1.0.2",))
    status = build({**pod(), "status": {}}, seen(state("a")), facts, 100)
    assert status["phase"] == "Running"
    assert status["podIPs"] == [{"ip": "10.1.0.2"}] and status["hostIP"] == "10.0.0.1"
    assert condition(status, "Ready")["status"] == "True"
    (container,) = status["containerStatuses"]
    assert container["state"] == {"running": {"startedAt": "1970-01-01T00:01:40Z"}}
    assert container["containerID"] == "runc://a0" and container["ready"] and container["started"]
    assert status["qosClass"] == "BestEffort"


def test_nothing_runs_yet():
    status = build(pod(init=("x",)), seen(sandbox_ready=False), Facts(), 0)
    assert status["phase"] == "Pending"
    assert status["initContainerStatuses"][0]["state"] == {"waiting": {"reason": "ContainerCreating"}}
    assert status["containerStatuses"][0]["state"] == {"waiting": {"reason": "PodInitializing"}}
    assert condition(status, "Initialized")["message"] == "containers with incomplete status: [x]"
    assert condition(status, "Ready")["message"] == "containers with unready status: [a]"
    assert condition(status, "PodReadyToStartContainers")["status"] == "False"


def test_crash_loop_keeps_the_end_as_last_state():
    facts = Facts(waiting={"a": Waiting("CrashLoopBackOff", "back-off")})
    status = build(pod(), seen(state("a", "exited", 1)), facts, 0)
    (container,) = status["containerStatuses"]
    assert container["state"] == {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}
    assert container["lastState"]["terminated"]["exitCode"] == 1
    assert container["lastState"]["terminated"]["reason"] == "Error"
    assert status["phase"] == "Running"


def test_second_attempt():
    status = build(pod(), seen(state("a", attempt=1), state("a", "exited", 3)), Facts(), 0)
    (container,) = status["containerStatuses"]
    assert container["restartCount"] == 1 and container["lastState"]["terminated"]["exitCode"] == 3


def test_ends():
    ended = Facts(ending=True, ended=True)
    fine = build(pod(policy="Never"), seen(state("a", "exited")), ended, 0)
    assert fine["phase"] == "Succeeded" and condition(fine, "Ready")["reason"] == "PodCompleted"
    failed = build(pod(policy="Never"), seen(state("a", "exited", 2)), ended, 0)
    assert failed["phase"] == "Failed" and condition(failed, "Ready")["reason"] == "PodFailed"


def test_deadline():
    facts = Facts(ending=True, failed_reason="DeadlineExceeded", failed_message="late")
    status = build(pod(), seen(state("a")), facts, 0)
    assert (status["phase"], status["reason"], status["message"]) == ("Failed", "DeadlineExceeded", "late")


def test_finished_apps_are_told_only_when_sidecars_ended_too():
    wanted = {**pod(init=(sidecar("s"),), policy="Never"), "status": {"phase": "Running"}}
    running = build(wanted, seen(state("s"), state("a", "exited")), Facts(ending=True), 0)
    assert running["phase"] == "Running"


def test_readiness_gates():
    wanted = pod(readinessGates=[{"conditionType": "x/y"}])
    status = build(wanted, seen(state("a")), Facts(), 0)
    assert condition(status, "Ready")["reason"] == "ReadinessGatesNotReady"
    wanted["status"] = {"conditions": [{"type": "x/y", "status": "True"}]}
    assert condition(build(wanted, seen(state("a")), Facts(), 0), "Ready")["status"] == "True"


def test_transition_times_stay():
    first = build(pod(), seen(state("a")), Facts(), 10)
    again = build({**pod(), "status": first}, seen(state("a")), Facts(), 99)
    assert again == first
    unready = seen(state("a"), probes={"a0": ProbeVerdict(ready=False)})
    later = build({**pod(), "status": first}, unready, Facts(), 99)
    assert condition(later, "Ready")["lastTransitionTime"] == "1970-01-01T00:01:39Z"
    assert condition(later, "PodScheduled")["lastTransitionTime"] == "1970-01-01T00:00:10Z"


def test_lost_container():
    before = build(pod(), seen(state("a")), Facts(), 10)
    status = build({**pod(), "status": before}, seen(), Facts(), 20)
    (container,) = status["containerStatuses"]
    assert container["restartCount"] == 1
    assert container["lastState"]["terminated"]["reason"] == "ContainerStatusUnknown"


def test_observed_generation():
    wanted = pod()
    wanted["metadata"]["generation"] = 3
    status = build(wanted, seen(state("a")), Facts(), 0)
    assert status["observedGeneration"] == 3
    assert all(entry["observedGeneration"] == 3 for entry in status["conditions"])
