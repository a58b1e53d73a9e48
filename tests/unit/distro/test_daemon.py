import fcntl
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from wherry.distro import daemon
from wherry.distro.config import StateDirectory
from wherry.distro.daemon import Progress, Report


@pytest.fixture
def state(tmp_path: Path) -> StateDirectory:
    return StateDirectory(tmp_path)


def wait_gone(state: StateDirectory) -> None:
    deadline = time.monotonic() + 5
    while daemon.running_pid(state) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert daemon.running_pid(state) is None


def sleeper(state: StateDirectory, *, deaf: bool = False) -> list[Progress]:
    def body(report: Report) -> None:
        with daemon.hold(state):
            if deaf:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
            report(Progress("step", "halfway"))
            report(Progress("ready", "there"))
            time.sleep(30)

    return list(daemon.start_in_background(state, body))


def test_progress_comes_until_ready_and_stop_ends_it(state: StateDirectory) -> None:
    assert [p.kind for p in sleeper(state)] == ["step", "ready"]
    assert daemon.running_pid(state) not in (None, os.getpid())
    assert daemon.stop(state, grace_seconds=5)
    assert daemon.running_pid(state) is None
    assert not daemon.stop(state, grace_seconds=5)


def test_one_that_does_not_listen_is_killed(state: StateDirectory) -> None:
    sleeper(state, deaf=True)
    assert daemon.stop(state, grace_seconds=0.1)
    assert daemon.running_pid(state) is None


def test_a_killed_process_leaves_no_lock_behind(state: StateDirectory) -> None:
    sleeper(state)
    os.kill(daemon.running_pid(state) or 0, signal.SIGKILL)
    wait_gone(state)
    with daemon.hold(state):
        assert daemon.running_pid(state) == os.getpid()


def test_two_cannot_hold_one_cluster(state: StateDirectory) -> None:
    sleeper(state)
    with pytest.raises(daemon.AlreadyRunning, match="running already"), daemon.hold(state):
        pass
    daemon.stop(state, grace_seconds=5)


def test_a_process_that_dies_without_a_word_is_reported(state: StateDirectory) -> None:
    [only] = daemon.start_in_background(state, lambda report: os._exit(3))
    assert only.kind == "failed"


def test_one_that_does_not_get_ready_is_not_waited_for_for_ever(state: StateDirectory) -> None:
    def body(report: Report) -> None:
        with daemon.hold(state):
            time.sleep(30)

    try:
        told = list(daemon.start_in_background(state, body, patience_seconds=0.2))
        assert [progress.kind for progress in told] == ["late"]
        assert daemon.running_pid(state)
    finally:
        daemon.stop(state, grace_seconds=0.1)


def test_the_second_of_two_says_that_the_first_one_is_there(state: StateDirectory) -> None:
    sleeper(state)
    told = sleeper(state)
    assert [progress.kind for progress in told] == ["failed"]
    assert f"running already (process {daemon.running_pid(state)})" in told[0].message
    daemon.stop(state, grace_seconds=5)


def test_looking_whether_it_runs_does_not_keep_it_from_starting(state: StateDirectory) -> None:
    state.lock.touch()
    with open(state.lock) as looker:
        fcntl.flock(looker, fcntl.LOCK_SH)
        threading.Timer(0.1, lambda: fcntl.flock(looker, fcntl.LOCK_UN)).start()
        with daemon.hold(state):
            pass


def test_the_last_problem_is_found_in_the_log(tmp_path: Path) -> None:
    log = tmp_path / "wherry.log"
    assert daemon.last_problem(log) is None
    log.write_text("2026-01-01T00:00:00.000Z WARNING node: old\n")
    begin = log.stat().st_size
    assert daemon.last_problem(log, begin) is None
    with log.open("a") as file:
        file.write("2026-01-01T00:00:00.000Z ERROR   node: no rights path=/x\nTraceback: text\n")
        file.write("2026-01-01T00:00:00.000Z INFO    node: went on\n")
    assert daemon.last_problem(log, begin) == "node: no rights path=/x"
