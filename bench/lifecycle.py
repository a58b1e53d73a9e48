"""Start, first answer, and what a cluster costs when nothing happens."""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.cluster import Cluster, cluster, cpu_seconds, environment_of, processes, proportional_set_size
from bench.report import Row, at_most

_EXAMPLE = Path(__file__).parents[1] / "examples" / "01-hello" / "run.py"
_ANSWERED = re.compile(r"answered, ([\d.]+) s after the start")


def measure(*, quick: bool, processes: str) -> Iterator[Row]:
    """Rows, as they are known."""
    with cluster("--no-wait", "--processes", processes) as one:
        yield at_most("wherry up until /readyz, warm files", _warm_start(one, 2 if quick else 5), 1.0, "s")
    with cluster("--processes", processes) as one:
        time.sleep(5)
        yield from _idle(one, 5 if quick else 20)
    if quick:
        return
    yield at_most("wherry up until the example answers, 3 containers", _first_answer(3), 3.0, "s")


def _warm_start(one: Cluster, times: int) -> float:
    """The median of starting what is stopped; the whole command, which returns when /readyz does."""
    seconds = []
    for _ in range(times):
        one.stop()
        seconds.append(one.start("--no-wait"))
    return statistics.median(seconds)


def _idle(one: Cluster, seconds: float) -> Iterator[Row]:
    pids = processes(one.pid())
    yield at_most("idle memory of everything (proportional set size)", proportional_set_size(pids), 150, "MB")
    before = cpu_seconds(pids)
    time.sleep(seconds)
    used = (cpu_seconds(pids) - before) / seconds
    yield at_most("idle CPU of everything", used * 100, 1.0, "%", note="of one core")


def _first_answer(times: int) -> float:
    """The median of what the first example prints about itself, each time from nothing."""
    return statistics.median(_example_once() for _ in range(times))


def _example_once() -> float:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="wherry-bench-") as directory:
        environment = environment_of(Path(directory), Path(directory, "kubeconfig"))
        try:
            command = [sys.executable, str(_EXAMPLE), "--name", "bench"]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True)
        finally:
            down = [sys.executable, "-m", "wherry", "down", "bench"]
            subprocess.run(down, env=environment, capture_output=True, timeout=120, check=True)
    found = _ANSWERED.search(done.stdout)
    if found is None:
        raise RuntimeError(f"the example did not say how long it took:\n{done.stdout}")
    return float(found[1])
