"""A child process for the fault tests: many tasks write to one store and print each write when it is acknowledged.

`python store_writer.py FILE SEED`. A line per event: `try KEY VALUE`, `put REVISION KEY VALUE`, `del REVISION KEY`.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys

from wherry.store.sqlite.store import SqliteStore, open_sqlite

TASKS = 200


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())  # unbuffered: what was acknowledged must be known whatever happens next


async def write(store: SqliteStore, task: int, rng: random.Random) -> None:
    """A task has its own keys, so that its lines alone tell what their state may be."""
    count = 0
    while True:
        key = f"/k/{task}/{rng.randrange(4)}"
        count += 1
        if store.get(key) is not None and rng.random() < 0.3:
            say(f"try {key} -")
            entry = await store.delete(key, expected=None)
            say(f"del {entry.mod_revision} {key}")
        else:
            value = f"{os.getpid()}-{count}-{'v' * rng.randrange(2000)}"
            say(f"try {key} {value}")
            entry = await store.put(key, lambda revision, value=value: value.encode(), expected=None)
            say(f"put {entry.mod_revision} {key} {value}")


async def compact(store: SqliteStore) -> None:
    while True:
        await asyncio.sleep(0.02)
        if store.revision > store.compacted:
            await store.compact(store.revision)


async def main(path: str, seed: int) -> None:
    store = await open_sqlite(path)
    say(f"open {store.revision}")
    writers = (write(store, task, random.Random(f"{seed}-{task}")) for task in range(TASKS))
    await asyncio.gather(compact(store), *writers)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
