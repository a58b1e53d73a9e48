import os
import signal
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
