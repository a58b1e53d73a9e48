"""A writer is killed at any moment, also at the edges of a commit: nothing acknowledged is lost, no revision comes twice."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from wherry.base.failpoints import ENVIRONMENT, EXIT_STATUS
from wherry.store.sqlite.store import open_sqlite

WRITER = Path(__file__).with_name("store_writer.py")
GONE = None


class Witness:
    """What the writers said over several lives of the store."""

    def __init__(self) -> None:
        self.acknowledged: dict[str, tuple[int, str | None]] = {}
        self.tried: dict[str, set[str | None]] = {}
        self.revisions: set[int] = set()

    def hear(self, output: bytes) -> int:
        """Take in a writer's lines; gives how many writes were acknowledged. The last line may be torn."""
        count = 0
        for line in output.decode().split("\n")[:-1]:
            verb, *words = line.split(" ")
            if verb == "open":
                assert int(words[0]) >= max(self.revisions, default=0)
            elif verb == "try":
                value = GONE if words[1] == "-" else words[1]
                self.tried.setdefault(words[0], set()).add(value)
            else:
                count += 1
                self._acknowledge(int(words[0]), words[1], words[2] if verb == "put" else GONE)
        return count

    def _acknowledge(self, revision: int, key: str, value: str | None) -> None:
        assert revision not in self.revisions, f"revision {revision} came twice"
        self.revisions.add(revision)
        self.acknowledged[key] = revision, value
        self.tried[key] = set()

    async def check(self, path: Path) -> None:
        """Each key is what was last acknowledged, or what was tried after it and not answered."""
        store = await open_sqlite(path)
        try:
            assert store.revision >= max(self.revisions, default=0)
            for key in self.acknowledged.keys() | self.tried.keys():
                revision, last = self.acknowledged.get(key, (0, GONE))
                entry = store.get(key)
                value = entry.value.decode() if entry else GONE
                assert value == last or value in self.tried.get(key, set()), f"{key} at {revision}"
                if entry is not None and value == last:
                    assert entry.mod_revision == revision
                # From here on what is there counts as acknowledged: it must not go away again.
                self.acknowledged[key] = entry.mod_revision if entry else revision, value
                self.tried[key] = set()
            assert store.count("") == sum(value is not GONE for _, value in self.acknowledged.values())
        finally:
            await store.close()


def live_and_die(path: Path, seed: int, *, failpoints: str = "", seconds: float | None = None) -> tuple[bytes, int]:
    """Run a writer until its failpoint or until it is killed; gives its output and exit status."""
    process = subprocess.Popen(
        [sys.executable, str(WRITER), str(path), str(seed)],
        stdout=subprocess.PIPE,
        env={**os.environ, ENVIRONMENT: failpoints, "PYTHONPATH": "src"},
        cwd=Path(__file__).parents[2],
    )
    started = threading.Event()
    output = bytearray()

    def read() -> None:
        assert process.stdout is not None
        while part := process.stdout.read1():
            output.extend(part)
            if output.find(b"\nput ", max(0, len(output) - len(part) - 5)) >= 0:
                started.set()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        if seconds is not None:
            assert started.wait(30)
            threading.Event().wait(seconds)
            process.kill()
        status = process.wait(60)
    finally:
        process.kill()
        reader.join()
        process.stdout.close()
        process.wait()
    return bytes(output), status


def test_killed_at_any_moment(tmp_path: Path) -> None:
    witness = Witness()
    path = tmp_path / "state.db"
    seed = random.randrange(1 << 30)
    print("seed", seed)
    rng = random.Random(seed)
    for life in range(6):
        output, status = live_and_die(path, seed + life, seconds=rng.uniform(0.01, 0.4))
        assert status == -9
        assert witness.hear(output) > 0
        asyncio.run(witness.check(path))


@pytest.mark.parametrize(
    "point",
    [
        "store.sqlite.before-commit",
        "store.sqlite.within-commit",
        "store.sqlite.after-commit",
        "store.sqlite.within-forget",
    ],
)
def test_killed_at_the_edges_of_a_commit(tmp_path: Path, point: str) -> None:
    witness = Witness()
    path = tmp_path / "state.db"
    output, _ = live_and_die(path, 1, seconds=0.1)
    assert witness.hear(output) > 0
    for life in range(2):
        output, status = live_and_die(path, life, failpoints=f"{point}=exit")
        assert status == EXIT_STATUS
        witness.hear(output)
        asyncio.run(witness.check(path))
