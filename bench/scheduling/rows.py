"""The workloads as rows of the table."""

from __future__ import annotations

from collections.abc import Iterator

from bench.report import Row
from bench.scheduling.driver import run
from bench.scheduling.workloads import WORKLOADS, Workload


def measure(*, quick: bool, processes: str) -> Iterator[Row]:
    """Rows, as they are known. With `quick`, a fifth of the nodes and pods, so that nothing can be held against them."""
    for workload in WORKLOADS:
        done = workload.small() if quick else workload
        rate, milliseconds = run(done, options=("--processes", processes))
        yield _row(done, rate, milliseconds, reach=0 if quick else workload.reach)


def _row(workload: Workload, rate: float, milliseconds: float, *, reach: int) -> Row:
    what = f"{workload.name}, {workload.pods:,} pods onto {workload.nodes:,} nodes"
    text = f"{rate:,.0f} pods/s, {milliseconds:.2f} ms of processor time each"
    return Row(what, text, f">= {reach}/s" if reach else "", rate >= reach if reach else None)
