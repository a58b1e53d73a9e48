"""How many seats a request is counted as. Pure but for two look-ups that cost next to nothing.

Upstream counts the work that storage, cache and watchers will have; here all of it happens on one thread, so that a seat
stands for a slice of that thread's time: about a hundred objects written out, or a hundred watchers told.
Source: k8s.io/apiserver/pkg/util/flowcontrol/request (list_work_estimator.go, mutating_work_estimator.go).
"""

from __future__ import annotations

from wherry.apiserver.call import Call

OBJECTS_PER_SEAT = 100
WATCHERS_PER_SEAT = 100
_SELECTORS = ("labelSelector", "fieldSelector")


def list_seats(call: Call, *, widest: int) -> int:
    """Of a list, or of a watch that begins with the state; 0 where it is too small to matter."""
    served, info = call.info.served, call.info
    if served is None or info.name:
        return 0
    count = call.parts.store.count(served.list_prefix(info.namespace))
    if count <= OBJECTS_PER_SEAT:
        return 0
    limit, query = call.parameter("limit"), call.query
    if limit.isdecimal() and 0 < int(limit[:9]) < count and not any(name in query for name in _SELECTORS):
        count = int(limit[:9])
        if count <= OBJECTS_PER_SEAT:
            return 0
    return min(widest, -(-count // OBJECTS_PER_SEAT))


def begins_with_state(call: Call) -> bool:
    """Whether a watch tells everything that is there first."""
    initial = call.query.get("sendInitialEvents")
    return bool(initial) or call.parameter("resourceVersion") in ("", "0")


def write_seats(call: Call, *, widest: int) -> int:
    """Of a write: itself, and those who are told of it before it is answered."""
    served = call.info.served
    if served is None:
        return 1
    return min(widest, 1 + call.parts.hubs.audience(served.prefix) // WATCHERS_PER_SEAT)
