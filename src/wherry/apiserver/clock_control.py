"""`/wherry/clock`: what the cluster's clock shows, and moving it ahead where it is a virtual one. Ours, not upstream's.

GET gives `{"clock": "virtual", "now": "...", "ahead": seconds before the machine's clock}`; POST takes
`{"advance": seconds}` and gives the same when all that was due has been done. Only administrators may by default, as for
every path that no role names.
"""

from __future__ import annotations

from typing import Any

import orjson

from wherry.api.errors import BadRequest, Conflict
from wherry.apiserver.call import Answer, Call, not_allowed
from wherry.base.clock import Clock, RealClock
from wherry.base.times import rfc3339
from wherry.base.virtual_clock import VirtualClock
from wherry.wire.messages import Response

PATH = "/wherry/clock"
MOST_SECONDS = 366 * 86400.0
REAL = (
    "this cluster runs on the machine's clock, which cannot be moved: "
    "make one on a virtual clock with `wherry up NAME --runtime fake --clock virtual`"
)


def handle(call: Call) -> Answer:
    clock = call.parts.clock
    if call.request.method == "GET":
        return Response(200, orjson.dumps(shown(clock)))
    if call.request.method != "POST":
        raise not_allowed()
    if not isinstance(clock, VirtualClock):
        raise Conflict(REAL)
    return _advance(clock, _seconds(call.request.body))


async def _advance(clock: VirtualClock, seconds: float) -> Response:
    await clock.advance(seconds)
    return Response(200, orjson.dumps(shown(clock)))


def _seconds(body: bytes) -> float:
    try:
        asked: Any = orjson.loads(body)["advance"]
        seconds = float(asked)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise BadRequest('the body must be {"advance": SECONDS}') from error
    if not 0 <= seconds <= MOST_SECONDS:
        raise BadRequest(f"a clock can be moved ahead by 0 to {MOST_SECONDS:.0f} seconds at once, not by {seconds:g}")
    return seconds


def shown(clock: Clock) -> dict[str, Any]:
    """What the clock shows, for people and programs."""
    kind = "virtual" if isinstance(clock, VirtualClock) else "real"
    return {"clock": kind, "now": rfc3339(clock.now()), "ahead": round(clock.now() - RealClock().now(), 1)}
