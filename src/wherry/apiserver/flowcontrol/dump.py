"""`/debug/api_priority_and_fairness/...`: what waits where, in columns.

Source: k8s.io/apiserver/pkg/util/flowcontrol/apf_controller_debug.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from wherry.apiserver.call import Answer, Call, Stage
from wherry.apiserver.flowcontrol.control import FlowControl
from wherry.wire.messages import Response

PREFIX = "/debug/api_priority_and_fairness/"
_LEVELS = (
    "PriorityLevelName", "ActiveQueues", "IsIdle", "IsQuiescing", "WaitingRequests", "ExecutingRequests",
    "DispatchedRequests", "RejectedRequests", "TimedoutRequests", "CancelledRequests",
)  # fmt: skip
_QUEUES = (
    "PriorityLevelName", "Index", "PendingRequests", "ExecutingRequests", "SeatsInUse", "NextDispatchR",
    "InitialSeatsSum", "MaxSeatsSum", "TotalWorkSum",
)  # fmt: skip
_REQUESTS = (
    "PriorityLevelName", "FlowSchemaName", "QueueIndex", "RequestIndexInQueue", "FlowDistingsher", "ArriveTime",
    "InitialSeats", "FinalSeats", "AdditionalLatency",
)  # fmt: skip
_DETAILS = ("UserName", "Verb", "APIPath")
Row = Sequence[Any]


def dumps(control: FlowControl) -> dict[str, Stage]:
    """The handlers by path."""

    def queues(call: Call) -> Answer:
        return _table(_QUEUES, _queue_rows(control))

    def levels(call: Call) -> Answer:
        return _table(_LEVELS, _level_rows(control))

    def requests(call: Call) -> Answer:
        details = call.parameter("includeRequestDetails") not in ("", "0", "false")
        return _table(_REQUESTS + (_DETAILS if details else ()), _request_rows(control, details=details))

    found = {"dump_priority_levels": levels, "dump_queues": queues, "dump_requests": requests}
    return {PREFIX + name: stage for name, stage in found.items()}


def _level_rows(control: FlowControl) -> Iterator[Row]:
    for name, level in sorted(control.levels.items()):
        active = sum(bool(queue.waiting) for queue in level.queues.values())
        idle = str(not level.executing and not level.waiting).lower()
        rejected = sum(level.rejected.values())
        yield (
            name, active, idle, "false", level.waiting, level.executing, level.dispatched, rejected,
            level.timed_out, level.cancelled,
        )  # fmt: skip


def _queue_rows(control: FlowControl) -> Iterator[Row]:
    for name, level in sorted(control.levels.items()):
        for index, queue in sorted(level.queues.items()):
            seats = queue.waiting_seats
            start = f"{queue.next_start:.8f}ss"
            yield name, index, len(queue.waiting), queue.executing, queue.seats, start, seats, seats, start


def _request_rows(control: FlowControl, *, details: bool) -> Iterator[Row]:
    for name, level in sorted(control.levels.items()):
        for index, queue in sorted(level.queues.items()):
            for place, each in enumerate(queue.waiting):
                row = (name, each.schema, index, place, each.distinguisher, f"{each.arrived:.6f}", each.width, 0, "0s")
                yield (*row, *each.about) if details else row


def _table(columns: Sequence[str], rows: Iterable[Row]) -> Response:
    lines = [columns, *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(line[i]) for line in lines) + 1 for i in range(len(columns))]
    text = "\n".join(
        "".join(f"{cell + ',':<{width}} " for cell, width in zip(line, widths, strict=True)) for line in lines
    )
    return Response(200, (text + "\n").encode(), "text/plain; charset=utf-8", [("X-Content-Type-Options", "nosniff")])
