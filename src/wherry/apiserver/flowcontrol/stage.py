"""Priority and fairness as a stage of the pipeline: what waits for something holds seats, what does not passes by.

A read is answered before anybody else's code runs, so that it can neither overlap nor be overtaken: it is counted, never
queued. A write holds its seats from here to its answer. A big list takes the thread for long: it holds its seats until
the others had a turn. See apiserver/DESIGN.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from inspect import isawaitable

from wherry.apiserver.call import Answer, Call, Stage
from wherry.apiserver.flowcontrol.control import Flow, FlowControl
from wherry.apiserver.flowcontrol.queues import Waiter
from wherry.apiserver.flowcontrol.work import begins_with_state, list_seats, write_seats
from wherry.base.clock import Clock
from wherry.wire.messages import Reply, Response

WAIT_SECONDS = 15.0
"""A quarter of a request's minute, as upstream."""
_WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
_LONG = frozenset({"exec", "attach", "portforward", "proxy", "log"})
"""Subresources that live as long as their client wants."""
_RETRY_AFTER = "1"


def too_many_requests() -> Response:
    return Response(
        429,
        b"Too many requests, please try again later.\n",
        "text/plain; charset=utf-8",
        [("Retry-After", _RETRY_AFTER), ("X-Content-Type-Options", "nosniff")],
    )


def fairness(control: FlowControl, clock: Clock) -> Callable[[Stage], Stage]:
    def wrap(following: Stage) -> Stage:
        return Fairness(control, clock, following).handle

    return wrap


class Fairness:
    """The stage."""

    def __init__(self, control: FlowControl, clock: Clock, following: Stage) -> None:
        self._control = control
        self._clock = clock
        self._following = following

    def handle(self, call: Call) -> Answer:
        flow = self._control.flow_of(call)
        if flow is None:
            return self._following(call)
        call.flow = flow.schema.headers
        flow.schema.dispatched += 1
        level = flow.level
        width = 0 if level.config.exempt else _width(call, level.widest)
        if not width:
            return self._following(call)
        if level.try_enter(width):
            return self._entered(call, flow, width)
        return self._queued(call, flow, width)

    def _entered(self, call: Call, flow: Flow, width: int) -> Answer:
        flow.begin(width)
        try:
            answer = self._following(call)
        except BaseException:
            _leave(flow, width)
            raise
        if not isawaitable(answer):
            if call.verb in _WRITES:
                _leave(flow, width)
                return answer
            return self._after_a_turn(answer, flow, width)
        return self._holding(answer, flow, width)

    async def _holding(self, answer: Awaitable[Reply], flow: Flow, width: int) -> Reply:
        try:
            return await answer
        finally:
            _leave(flow, width)

    async def _after_a_turn(self, answer: Reply, flow: Flow, width: int) -> Reply:
        try:
            await asyncio.sleep(0)
            return answer
        finally:
            _leave(flow, width)

    def _queued(self, call: Call, flow: Flow, width: int) -> Answer:
        about = (call.user.name, call.verb, call.info.path)
        waiter = self._control.enqueue(flow, width, about)
        if waiter is None:
            flow.schema.dispatched -= 1
            return too_many_requests()
        return self._wait(call, flow, waiter)

    async def _wait(self, call: Call, flow: Flow, waiter: Waiter) -> Reply:
        if not await self._admitted(flow, waiter):
            return too_many_requests()
        began = self._clock.monotonic()
        flow.begin(waiter.width)
        try:
            answer = self._following(call)
            if isawaitable(answer):
                return await answer
            await asyncio.sleep(0)
            return answer
        finally:
            flow.end(waiter.width)
            flow.level.done(waiter, self._clock.monotonic() - began)

    async def _admitted(self, flow: Flow, waiter: Waiter) -> bool:
        """Whether its turn came in time; whoever goes away takes nothing with it."""
        level = flow.level
        flow.schema.waiting += 1
        try:
            async with self._clock.timeout(WAIT_SECONDS):
                await waiter.admitted
        except TimeoutError:
            if waiter.entered:
                return True
            level.give_up(waiter)
            level.timed_out += 1
            flow.refuse("time-out")
            flow.schema.dispatched -= 1
            return False
        except asyncio.CancelledError:
            level.cancelled += 1
            if waiter.entered:
                level.done(waiter, 0.0)
            else:
                level.give_up(waiter)
            raise
        finally:
            flow.schema.waiting -= 1
        return True


def _leave(flow: Flow, width: int) -> None:
    flow.end(width)
    flow.level.leave(width)


def _width(call: Call, widest: int) -> int:
    """The seats that a call needs; 0 for what never waits."""
    verb = call.verb
    if verb == "get" or not call.info.resource_request or call.info.subresource in _LONG:
        return 0
    if verb in _WRITES:
        return write_seats(call, widest=widest)
    if verb == "list" or (verb == "watch" and begins_with_state(call)):
        return list_seats(call, widest=widest)
    return 0
