"""Runs of both kinds: what is fed, what counts as broken, and the words that lead back to it."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.faults.fuzz.decoders import DECODERS
from tests.faults.fuzz.mutation import mutated
from tests.faults.fuzz.requests import STORED, Sent, drawn_request

from wherry.base.fake_clock import FakeClock
from wherry.testing.apiserver import in_process_server
from wherry.testing.http import Api
from wherry.wire.head import header_lines

LONGEST_SECONDS = 10.0
"""For one input; nothing honest takes a hundredth of it, but machines differ."""
REQUESTS_PER_SERVER = 1000


class Broken(AssertionError):
    """An input that breaks something."""


def feed_decoder(name: str, seed: str, *, inputs: int = 1 << 60, seconds: float = 1e9) -> int:
    """Feed one decoder until either is used up; gives how many inputs it took. Raises `Broken`."""
    decoder, rng = DECODERS[name], random.Random(f"{name} {seed}")
    end, count = time.monotonic() + seconds, 0
    while count < inputs and time.monotonic() < end:
        data = mutated(rng, decoder.seeds)
        count += 1
        began = time.monotonic()
        try:
            decoder.run(data)
        except decoder.refusals:
            pass
        except Exception as error:
            raise Broken(f"{name}, seed {seed}: {data!r} gives {error!r}") from error
        if time.monotonic() - began > LONGEST_SECONDS:
            raise Broken(f"{name}, seed {seed}: {data!r} takes {time.monotonic() - began:.1f} s")
    return count


async def feed_server(seed: str, *, inputs: int = 1 << 60, seconds: float = 1e9) -> int:
    """The same for the API server, a new one from time to time: no 5xx, nothing in the log, no end of waiting."""
    rng, count, end = random.Random(f"http {seed}"), 0, time.monotonic() + seconds
    with logged_errors() as errors:
        while count < inputs and time.monotonic() < end:
            async with in_process_server(clock=FakeClock()) as server:
                api = Api(server, FakeClock())
                for target, body in STORED:
                    await api("POST", target, body)
                for _ in range(min(REQUESTS_PER_SERVER, inputs - count)):
                    count += 1
                    await _send(api, drawn_request(rng), seed, errors)
                    if time.monotonic() > end:
                        break
    return count


async def _send(api: Api, sent: Sent, seed: str, errors: list[str]) -> None:
    what = f"http, seed {seed}: {sent}"
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            reply = await api.reply(sent.method, sent.target, sent.body, sent.headers)
    except Exception as error:
        raise Broken(f"{what} gives {error!r}") from error
    header_lines(reply.headers)  # raises where one could not be sent
    body = getattr(reply, "body", b"")
    if reply.status >= 500 and not _is_fine(reply.status, sent, body):
        raise Broken(f"{what} gives {reply.status}: {body!r}")
    if errors:
        raise Broken(f"{what} logs {errors}")


def _is_fine(status: int, sent: Sent, body: bytes) -> bool:
    """What upstream answers, too: 504 to a revision that is not there yet, 503 for nodes and services that are not there,
    and 500 with the reason to what is applied and has fields that nobody knows."""
    if status == 500 and "apply-patch" in sent.headers.get("content-type", "") and b"failed to create typed" in body:
        return True
    return (status == 504 and "resourceVersion" in sent.target) or status in (501, 503)


@contextmanager
def logged_errors() -> Iterator[list[str]]:
    """What is logged as an error meanwhile."""
    found: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(self.format(record))

    listener = Listener(logging.ERROR)
    logging.getLogger().addHandler(listener)
    try:
        yield found
    finally:
        logging.getLogger().removeHandler(listener)


@dataclass(slots=True)
class Memory:
    """Whether memory grows from round to round, once all caches are full."""

    growth_allowed: int = 64 << 20
    settled_after: int = 2
    measured: list[int] = field(default_factory=list)

    def check(self) -> None:
        """After each round. Raises `Broken`."""
        gc.collect()
        with open("/proc/self/statm") as file:
            self.measured.append(int(file.read().split()[1]) * resource.getpagesize())
        if len(self.measured) > self.settled_after:
            growth = self.measured[-1] - self.measured[self.settled_after]
            if growth > self.growth_allowed:
                raise Broken(f"memory grows: {[size >> 20 for size in self.measured]} MB after each round")
