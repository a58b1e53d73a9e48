"""How fast the store is by itself: `python bench/store.py [DIRECTORY]`. One line per figure."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from wherry.store.memory import open_memory
from wherry.store.port import Event, Store
from wherry.store.sqlite.store import open_sqlite

BODY = b'{"kind":"Pod","metadata":{"resourceVersion":"' + b"%d" + b'"},"x":"' + b"v" * 2450 + b'"}'


def encode(revision: int) -> bytes:
    return BODY.replace(b"%d", b"%d" % revision, 1)


async def put_in_turn(store: Store, count: int) -> float:
    began = time.perf_counter()
    for number in range(count):
        await store.put(f"/registry/core/pods/seq/{number}", encode, expected=0)
    return count / (time.perf_counter() - began)


async def put_in_parallel(store: Store, tasks: int, each: int, folder: str) -> float:
    async def work(task: int) -> None:
        for number in range(each):
            await store.put(f"/registry/core/pods/{folder}/{task}-{number}", encode, expected=0)

    began = time.perf_counter()
    await asyncio.gather(*(work(task) for task in range(tasks)))
    return tasks * each / (time.perf_counter() - began)


def per_second(operation: Callable[[], object], seconds: float = 0.5) -> float:
    began = time.perf_counter()
    count = 0
    while time.perf_counter() - began < seconds:
        operation()
        count += 1
    return count / (time.perf_counter() - began)


async def fan_out(store: Store, watchers: int, writes: int) -> float:
    delivered = 0

    def deliver(events: list[Event]) -> None:
        nonlocal delivered
        delivered += len(events)

    watches = [store.watch("/registry/core/pods/", after=store.revision, deliver=deliver) for _ in range(watchers)]
    others = [
        store.watch(f"/registry/apps/deployments/{n}/", after=store.revision, deliver=deliver) for n in range(500)
    ]
    began = time.perf_counter()
    await put_in_parallel(store, 32, writes // 32, "fan")
    rate = delivered / (time.perf_counter() - began)
    for watch in watches + others:
        watch.close()
    return rate


async def timed(operation: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await operation()
    return time.perf_counter() - began


def report(what: str, figure: float, unit: str) -> None:
    print(f"{what:<58} {figure:>12,.1f} {unit}")


async def main(directory: Path) -> None:
    memory = open_memory()
    report("memory: put 2.5 KB in turn", await put_in_turn(memory, 5000), "/s")
    store = await open_sqlite(directory / "state.db")
    report("sqlite: put 2.5 KB in turn", await put_in_turn(store, 2000), "/s")
    for tasks, each in ((32, 500), (256, 40)):
        rate = await put_in_parallel(store, tasks, each, str(tasks))
        report(f"sqlite: put 2.5 KB, {tasks} parallel tasks", rate, "/s")
    report("sqlite: 200 watchers (500 on other prefixes), 32 writers", await fan_out(store, 200, 1600), "events/s")
    report("range of 500", per_second(lambda: store.range("/registry/core/pods/32/", limit=500)), "/s")
    revision = store.revision
    await put_in_parallel(store, 32, 30, "later")
    old = lambda: store.range("/registry/core/pods/32/", limit=500, revision=revision)
    report("range of 500, 960 revisions ago", per_second(old), "/s")
    report("count", per_second(lambda: store.count("/registry/core/pods/")), "/s")
    report(f"fork of {store.count(''):,} keys", 1000 / per_second(lambda: store.fork()), "ms")
    began = time.perf_counter()
    await store.compact(store.revision)
    report("compaction of all that", 1000 * (time.perf_counter() - began), "ms")
    report("close", 1000 * await timed(store.close), "ms")
    began = time.perf_counter()
    store = await open_sqlite(directory / "state.db")
    report(f"open with {store.count(''):,} keys", 1000 * (time.perf_counter() - began), "ms")
    await store.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
        asyncio.run(main(Path(folder)))
