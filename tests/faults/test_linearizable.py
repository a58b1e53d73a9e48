"""Parallel clients of a server that is killed again and again: what they saw has one order, and no write is forgotten."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.faults.linearizability import NEVER, Operation, Outcome, Value, linearizable

from wherry.wire.client import HttpClient
from wherry.wire.dial import Origin
from wherry.wire.errors import WireError

PROGRAM = Path(__file__).with_name("api_process.py")
SOURCES = Path(__file__).parents[2] / "src"
MAPS = "/api/v1/namespaces/default/configmaps"
CLIENTS, KEYS = 8, 5
REFUSALS: dict[str, Outcome] = {"AlreadyExists": "exists", "Conflict": "conflict", "NotFound": "missing"}


# -- the judge is judged first


def read(value: Value, called: float, answered: float) -> Operation:
    return Operation("read", called, answered, value=value)


def create(value: str, called: float, answered: float, outcome: Outcome = "done") -> Operation:
    return Operation("create", called, answered, outcome, value)


def replace(old: str, new: str, called: float, answered: float, outcome: Outcome = "done") -> Operation:
    return Operation("replace", called, answered, outcome, new, old)


def delete(called: float, answered: float, outcome: Outcome = "done") -> Operation:
    return Operation("delete", called, answered, outcome)


POSSIBLE = {
    "one after the other": [
        create("a", 0, 1),
        read("a", 2, 3),
        replace("a", "b", 4, 5),
        delete(6, 7),
        read(None, 8, 9),
    ],
    "a read beside a write": [create("a", 0, 9), read(None, 1, 2), read("a", 3, 4)],
    "unanswered and happened": [create("a", 0, NEVER, "unknown"), read(None, 1, 2), read("a", 3, 4)],
    "unanswered and not happened": [create("a", 0, NEVER, "unknown"), read(None, 1, 2), create("b", 3, 4)],
    "one of two creates": [create("a", 0, 5), create("b", 1, 4, "exists"), read("a", 6, 7)],
    "a conflict": [create("a", 0, 1), replace("a", "b", 2, 5), replace("a", "c", 3, 4, "conflict"), read("b", 6, 7)],
}
IMPOSSIBLE = {
    "a lost write": [create("a", 0, 1), read(None, 2, 3)],
    "a stale read": [create("a", 0, 1), replace("a", "b", 2, 3), read("a", 4, 5)],
    "a write that was seen and went": [create("a", 0, NEVER, "unknown"), read("a", 1, 2), read(None, 3, 4)],
    "a lost update": [create("a", 0, 1), replace("a", "b", 2, 5), replace("a", "c", 3, 4), read("c", 6, 7)],
    "back to what was": [create("a", 0, 1), replace("a", "b", 2, 9), read("b", 3, 4), read("a", 5, 6)],
    "two creates": [create("a", 0, 3), create("b", 1, 2)],
    "removed and there": [create("a", 0, 1), delete(2, 3), read("a", 4, 5)],
    "a conflict with nobody": [create("a", 0, 1), replace("a", "b", 2, 3, "conflict")],
    "from nothing": [read("a", 0, 1)],
}


@pytest.mark.parametrize("name", POSSIBLE)
def test_the_judge_lets_pass(name: str) -> None:
    assert linearizable(POSSIBLE[name])


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_the_judge_sees(name: str) -> None:
    assert not linearizable(IMPOSSIBLE[name])


# -- the server


@contextmanager
def serving(path: Path) -> Iterator[Origin]:
    """A server's process; killed at the end of the block."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    command = [sys.executable, str(PROGRAM), str(path)]
    with path.with_name("log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log)
    assert process.stdout is not None
    try:
        yield Origin(host="127.0.0.1", port=int(process.stdout.readline()))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@dataclass(slots=True)
class Lists:
    """What lists of all keys said, and which revisions writes were told to have."""

    snapshots: list[tuple[int, dict[str, int]]] = field(default_factory=list)
    written: list[tuple[float, float, int, str]] = field(default_factory=list)


class Worker:
    """One client: it does one thing after the other and writes down what it saw."""

    def __init__(self, number: int, histories: dict[str, list[Operation]], lists: Lists) -> None:
        self._number, self._histories, self._lists = number, histories, lists
        self._count = 0
        self._known: dict[str, tuple[str, str]] = {}
        """The value and version that it last saw of each key."""

    async def work(self, http: HttpClient, origin: Origin, rng: random.Random) -> None:
        """Until the server is gone."""
        try:
            while True:
                key = f"k{rng.randrange(KEYS)}"
                await rng.choice((self._read, self._create, self._replace, self._replace, self._delete, self._list))(
                    http, origin, key
                )
        except WireError:
            return

    async def _read(self, http: HttpClient, origin: Origin, key: str) -> None:
        called = time.monotonic()
        status, body = await ask(http, origin, "GET", f"{MAPS}/{key}")
        value = self._see(key, body) if status == 200 else None
        self._histories[key].append(Operation("read", called, time.monotonic(), value=value))

    async def _create(self, http: HttpClient, origin: Origin, key: str) -> None:
        await self._write(http, origin, "create", key, "POST", MAPS, self._object(key))

    async def _replace(self, http: HttpClient, origin: Origin, key: str) -> None:
        if key not in self._known:
            await self._read(http, origin, key)
            return
        value, version = self._known[key]
        new = self._object(key)
        new["metadata"]["resourceVersion"] = version
        await self._write(http, origin, "replace", key, "PUT", f"{MAPS}/{key}", new, value)

    async def _delete(self, http: HttpClient, origin: Origin, key: str) -> None:
        await self._write(http, origin, "delete", key, "DELETE", f"{MAPS}/{key}", None)

    async def _list(self, http: HttpClient, origin: Origin, key: str) -> None:
        _, body = await ask(http, origin, "GET", f"{MAPS}?labelSelector=mine")
        items = {item["metadata"]["name"]: int(item["metadata"]["resourceVersion"]) for item in body["items"]}
        self._lists.snapshots.append((int(body["metadata"]["resourceVersion"]), items))

    async def _write(
        self,
        http: HttpClient,
        origin: Origin,
        kind: Any,
        key: str,
        method: str,
        target: str,
        new: Any,
        old: Value = None,
    ) -> None:
        value = new["data"]["v"] if new else None
        called = time.monotonic()
        try:
            status, body = await ask(http, origin, method, target, new)
        except WireError:
            self._histories[key].append(Operation(kind, called, NEVER, "unknown", value, old))
            raise
        answered = time.monotonic()
        outcome: Outcome = "done" if status < 300 else REFUSALS[body["reason"]]
        self._histories[key].append(Operation(kind, called, answered, outcome, value, old))
        if outcome == "done" and new:
            self._see(key, body)
            self._lists.written.append((called, answered, int(body["metadata"]["resourceVersion"]), key))

    def _object(self, key: str) -> dict[str, Any]:
        self._count += 1
        return {"metadata": {"name": key, "labels": {"mine": ""}}, "data": {"v": f"{self._number}-{self._count}"}}

    def _see(self, key: str, body: Any) -> str:
        value: str = body["data"]["v"]
        self._known[key] = value, body["metadata"]["resourceVersion"]
        return value


async def ask(http: HttpClient, origin: Origin, method: str, target: str, body: Any = None) -> tuple[int, Any]:
    headers = (("Content-Type", "application/json"),)
    answer = await http.request(
        origin, method, target, headers=headers, body=orjson.dumps(body) if body else b"", timeout=30
    )
    return answer.status, orjson.loads(answer.body)


def log_of(place: Path) -> str:
    return (place / "log").read_text()


async def live(path: Path, workers: list[Worker], rng: random.Random, seconds: float) -> None:
    """All at once, until the server is killed."""
    http = HttpClient()
    with serving(path) as origin:
        tasks = [asyncio.create_task(one.work(http, origin, random.Random(rng.random()))) for one in workers]
        await asyncio.sleep(seconds)
    await asyncio.gather(*tasks)
    await http.aclose()


def check_revisions(lists: Lists) -> None:
    """Later writes have greater revisions, whatever their keys; a list is the state at its revision."""
    revisions = [revision for _, _, revision, _ in lists.written]
    assert len(set(revisions)) == len(revisions), "a revision was given twice"
    newest_answered = 0
    answers = sorted((answered, revision) for _, answered, revision, _ in lists.written)
    for called, _, revision, _ in sorted(lists.written):
        while answers and answers[0][0] < called:
            newest_answered = max(newest_answered, answers.pop(0)[1])
        assert revision > newest_answered
    by_key: defaultdict[str, list[int]] = defaultdict(list)
    for _, _, revision, key in lists.written:
        by_key[key].append(revision)
    for at, items in lists.snapshots:
        for key, revision in items.items():
            assert revision <= at
            assert not [other for other in by_key[key] if revision < other <= at], f"{key} is old in the list at {at}"


@pytest.mark.parametrize(
    ("lives", "seconds"), [(3, 0.5), pytest.param(15, 2.0, marks=pytest.mark.slow)], ids=["short", "long"]
)
async def test_a_server_that_is_killed_again_and_again(tmp_path: Path, lives: int, seconds: float) -> None:
    seed = random.randrange(1 << 30)
    print("seed", seed)
    rng = random.Random(seed)
    histories: defaultdict[str, list[Operation]] = defaultdict(list)
    lists = Lists()
    workers = [Worker(number, histories, lists) for number in range(CLIENTS)]
    for _ in range(lives):
        await live(tmp_path / "state.db", workers, rng, rng.uniform(seconds / 2, seconds))
    assert len(lists.written) > 50 and len(lists.snapshots) > 20
    assert any(one.outcome == "unknown" for history in histories.values() for one in history)
    for key, history in histories.items():
        assert linearizable(history), f"{key}: {sorted(history, key=lambda one: one.called)}"
    check_revisions(lists)
    assert "Traceback" not in log_of(tmp_path)
