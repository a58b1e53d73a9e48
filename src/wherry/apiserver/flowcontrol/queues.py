"""One priority level at work: its seats, and the queues of those that wait for them. No I/O; time is told by the caller.

Fair queuing: each queue has a point in virtual time at which its next request starts; the queue whose next request would
finish first goes first, and what a request has really cost is made good when it is done. A queue that was idle starts
at the present, so that nobody saves up. What always holds: a seat that is free goes to who waits before it goes to who
comes; `seats` never exceeds the limit by requests that were let in (but one that is wider than the limit runs alone).

Source: k8s.io/apiserver/pkg/util/flowcontrol/fairqueuing/queueset, KEP-1040.
"""

from __future__ import annotations

from asyncio import Future
from collections import deque
from dataclasses import dataclass, field

from wherry.apiserver.flowcontrol.limits import Bounds, LevelConfig
from wherry.apiserver.flowcontrol.sharding import hand

GUESS_SECONDS = 0.003
"""How long a request takes before that is known."""


@dataclass(slots=True, eq=False)
class Waiter:
    """A request that waits; `admitted` is done when it has its seats."""

    width: int
    schema: str
    distinguisher: str
    arrived: float
    admitted: Future[None]
    index: int
    about: tuple[str, ...] = ()
    entered: bool = False
    """Has its seats, whatever became of the future: a caller that is cancelled cancels that, too."""


@dataclass(slots=True, eq=False)
class Queue:
    """Those of one queue that wait, and when (in virtual time) the first of them starts."""

    next_start: float
    waiting: deque[Waiter] = field(default_factory=deque)
    waiting_seats: int = 0
    seats: int = 0
    """Held by requests that came out of it."""
    executing: int = 0


class Level:
    """A priority level. `limit` is what it has now, its own and what it borrowed."""

    def __init__(self, config: LevelConfig, bounds: Bounds) -> None:
        self.config = config
        self.bounds = bounds
        self.limit = bounds.nominal
        self.seats = 0
        self.executing = 0
        self.waiting = 0
        self.waiting_seats = 0
        self.dispatched = self.timed_out = self.cancelled = 0
        self.rejected: dict[str, int] = {}
        self.queues: dict[int, Queue] = {}
        """Only those that are in use."""
        self._now = 0.0
        """Virtual time: where the request that was let in last started."""

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def demand(self) -> int:
        return self.seats + self.waiting_seats

    @property
    def widest(self) -> int:
        """The most seats that one request is ever counted as."""
        return max(1, min(10, -(-self.bounds.nominal * 15 // 100)))

    def reconfigure(self, config: LevelConfig, bounds: Bounds) -> None:
        self.config, self.bounds, self.limit = config, bounds, bounds.nominal
        self.let_in()

    def try_enter(self, width: int) -> bool:
        """Take seats if there are some and nobody waits for them."""
        if self.waiting or not self._fits(width):
            return False
        self._seat(width)
        return True

    def _fits(self, width: int) -> bool:
        if self.config.exempt:
            return True
        return self.seats + width <= self.limit or (self.seats == 0 and self.limit > 0)

    def _seat(self, width: int) -> None:
        self.seats += width
        self.executing += 1
        self.dispatched += 1

    def leave(self, width: int) -> None:
        """Seats are free again."""
        self.seats -= width
        self.executing -= 1
        if self.waiting:
            self.let_in()

    def enqueue(self, waiter: Waiter, value: int) -> bool:
        """Put it into the shortest queue of its hand; False where that is full. `value` is the flow's hash."""
        config = self.config
        if not config.queues:
            return False
        cards = hand(value, config.queues, min(config.hand, config.queues))
        waiter.index = min(cards, key=self._work_ahead)
        queue = self.queues.get(waiter.index)
        if queue is None:
            queue = self.queues[waiter.index] = Queue(self._now)
        elif not queue.waiting and not queue.executing:
            queue.next_start = max(queue.next_start, self._now)
        if len(queue.waiting) >= config.queue_length:
            return False
        queue.waiting.append(waiter)
        queue.waiting_seats += waiter.width
        self.waiting += 1
        self.waiting_seats += waiter.width
        self.let_in()
        return True

    def _work_ahead(self, index: int) -> int:
        queue = self.queues.get(index)
        return queue.seats + queue.waiting_seats if queue else 0

    def let_in(self) -> None:
        """Give free seats to those whose turn it is."""
        while self.waiting:
            queue = min(self._active(), key=lambda item: (_finish(item[1]), item[0]))[1]
            waiter = queue.waiting[0]
            if not self._fits(waiter.width):
                return
            queue.waiting.popleft()
            self._no_longer_waits(queue, waiter)
            self._now = max(self._now, queue.next_start)
            queue.next_start += waiter.width * GUESS_SECONDS
            queue.seats += waiter.width
            queue.executing += 1
            self._seat(waiter.width)
            waiter.entered = True
            if not waiter.admitted.done():
                waiter.admitted.set_result(None)

    def _active(self) -> list[tuple[int, Queue]]:
        return [(index, queue) for index, queue in self.queues.items() if queue.waiting]

    def _no_longer_waits(self, queue: Queue, waiter: Waiter) -> None:
        queue.waiting_seats -= waiter.width
        self.waiting -= 1
        self.waiting_seats -= waiter.width

    def done(self, waiter: Waiter, seconds: float) -> None:
        """A request that had waited is done, after that time in its seats."""
        queue = self.queues[waiter.index]
        queue.seats -= waiter.width
        queue.executing -= 1
        queue.next_start += waiter.width * (seconds - GUESS_SECONDS)
        self.leave(waiter.width)
        self._drop_if_idle(waiter.index)

    def give_up(self, waiter: Waiter) -> None:
        """A request that waits goes away."""
        queue = self.queues[waiter.index]
        queue.waiting.remove(waiter)
        self._no_longer_waits(queue, waiter)
        self._drop_if_idle(waiter.index)
        self.let_in()

    def _drop_if_idle(self, index: int) -> None:
        queue = self.queues[index]
        if not queue.waiting and not queue.executing and queue.next_start <= self._now:
            del self.queues[index]
        elif not self.waiting and not any(each.executing for each in self.queues.values()):
            self.queues.clear()

    def refuse(self, reason: str) -> None:
        self.rejected[reason] = self.rejected.get(reason, 0) + 1


def _finish(queue: Queue) -> float:
    """When, in virtual time, the queue's next request would be done."""
    return queue.next_start + queue.waiting[0].width * GUESS_SECONDS
