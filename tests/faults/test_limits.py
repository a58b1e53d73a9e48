"""Clients that ask too much, over real sockets: each is bounded, and the others do not notice."""

from __future__ import annotations

import asyncio
import os
import resource
import ssl
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from wherry.apiserver.app import ApiServer
from wherry.apiserver.config import ServerConfig
from wherry.apiserver.serving import wire_options
from wherry.base.clock import RealClock
from wherry.base.fake_clock import FakeClock
from wherry.distro.pki import Authority, Profile
from wherry.store.memory import open_memory
from wherry.store.port import Store
from wherry.wire.client import HttpClient
from wherry.wire.dial import Origin
from wherry.wire.server import Server, serve

PROGRAM = Path(__file__).with_name("api_process.py")
SOURCES = Path(__file__).parents[2] / "src"
MAPS = "/api/v1/namespaces/default/configmaps"
JSON = (("Content-Type", "application/json"),)


def config_map(name: str, size: int = 1) -> bytes:
    return orjson.dumps({"metadata": {"name": name}, "data": {"v": "x" * size}})


# -- in this process, with a clock of our own


@dataclass(slots=True)
class Api:
    store: Store
    server: Server
    clock: FakeClock
    http: HttpClient

    @property
    def origin(self) -> Origin:
        return Origin(host="127.0.0.1", port=self.server.port)

    async def create(self, name: str, size: int = 1) -> int:
        answer = await self.http.request(self.origin, "POST", MAPS, headers=JSON, body=config_map(name, size))
        return answer.status

    async def send(self, data: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port, limit=4096)
        writer.write(data)
        return reader, writer


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    clock, store = FakeClock(), open_memory()
    server = ApiServer(store=store, clock=clock, config=ServerConfig())
    await server.start()
    http = HttpClient(clock=RealClock())
    port = await serve(server.handle, options=wire_options(), clock=clock)
    yield Api(store, port, clock, http)
    await http.aclose()
    await port.close(grace_seconds=0)
    await store.close()


async def until(holds: Any) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.01)


WATCH = f"GET {MAPS}?watch=1&resourceVersion=%s HTTP/1.1\r\nHost: h\r\n\r\n"


async def test_a_watcher_that_never_reads_is_dropped_and_others_are_not(api: Api) -> None:
    reader, writer = await api.send((WATCH % "").encode())
    other = await api.http.stream(api.origin, "GET", f"{MAPS}?watch=1")
    await reader.readuntil(b"\r\n\r\n")
    told = asyncio.create_task(count_events(other, 60))
    for number in range(60):  # 24 MB, of which the kernel takes a part and the server up to 8
        assert await api.create(f"m{number}", 400_000) == 201
    assert await told == 60
    await api.clock.advance(15)
    await until(lambda: len(api.server.connections) == 2)  # those of the other watcher and of the writer
    await other.aclose()
    writer.close()


async def count_events(stream: Any, wanted: int) -> int:
    found = 0
    while found < wanted:
        found += (await stream.read()).count(b'{"type":"ADDED"')
    return found


async def test_a_watcher_that_never_reads_the_state_at_the_start_is_dropped(api: Api) -> None:
    for number in range(40):
        assert await api.create(f"m{number}", 400_000) == 201
    reader, writer = await api.send((WATCH % "0").encode())
    await reader.readuntil(b"\r\n\r\n")
    await until(lambda: len(api.server.connections) == 2)
    await api.clock.advance(61)
    await asyncio.sleep(0.05)
    await api.clock.advance(15)
    await until(lambda: len(api.server.connections) <= 1)
    writer.close()


@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_bodies_up_to_3_megabytes(api: Api, framing: str) -> None:
    limit = 3 * 1024 * 1024
    for size, status in ((limit, b"201"), (limit + 1, b"413")):
        # Spaces behind the object: the body may have 3 MB, not what is stored.
        body = config_map(f"m{size}", 1000).ljust(size)
        head = f"POST {MAPS} HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
        if framing == "length":
            sent = f"{head}Content-Length: {size}\r\n\r\n".encode() + body
        else:
            sent = f"{head}Transfer-Encoding: chunked\r\n\r\n{size:x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
        reader, writer = await api.send(sent)
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n"), 20)
        assert answer.split()[1] == status
        if status == b"413":
            assert b"Request entity too large: limit is 3145728" in await reader.read(1000)
        writer.close()


async def test_pipelined_writes_are_done_in_their_order(api: Api) -> None:
    names = [f"m{number}" for number in range(60)]
    requests = [
        f"POST {MAPS} HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
        for body in map(config_map, names)
    ]
    reader, writer = await api.send(b"".join(requests))
    if writer.can_write_eof():
        writer.write_eof()  # half-closed: the answers come all the same
    answers = await asyncio.wait_for(reader.read(-1), 20)
    assert answers.count(b"HTTP/1.1 201 Created") == 60
    positions = [answers.index(b'"name":"%b"' % name.encode()) for name in names]
    assert positions == sorted(positions)
    writer.close()


# -- in a process of its own


@dataclass(frozen=True, slots=True)
class Process:
    pid: int
    port: int
    tls: ssl.SSLContext | None

    @property
    def origin(self) -> Origin:
        return Origin(host="127.0.0.1", port=self.port, tls=self.tls)

    def resident_bytes(self) -> int:
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * resource.getpagesize()


@contextmanager
def many_files(wanted: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, before[1]), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@contextmanager
def process(place: Path, *pair: Path, tls: ssl.SSLContext | None = None) -> Iterator[Process]:
    command = [sys.executable, str(PROGRAM), str(place / "state.db"), *map(str, pair)]
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    with (place / "log").open("ab") as log:
        child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log)
    assert child.stdout is not None
    try:
        yield Process(child.pid, int(child.stdout.readline()), tls)
        assert "Traceback" not in (place / "log").read_text()
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def secured(place: Path) -> tuple[Path, Path, ssl.SSLContext]:
    authority = Authority(place / "pki", clock=RealClock())
    authority.ensure()
    pair = authority.issue("apiserver", Profile(common_name="api", addresses=("127.0.0.1",), server=True))
    return pair.certificate, pair.key, ssl.create_default_context(cafile=str(authority.pair.certificate))


@pytest.mark.parametrize("count", [200, pytest.param(2_000, marks=pytest.mark.slow)])
async def test_idle_connections_cost_little(tmp_path: Path, count: int) -> None:
    certificate, key, context = secured(tmp_path)
    with many_files(8192), process(tmp_path, certificate, key, tls=context) as server:
        http = HttpClient()
        assert (await http.request(server.origin, "GET", "/readyz", timeout=30)).status == 200
        before = server.resident_bytes()
        writers = []
        for _ in range(count):
            _, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=context)
            writer.write(b"GET /readyz HTTP/1.1\r\nHost: h\r\n\r\n")
            writers.append(writer)
        assert (await http.request(server.origin, "GET", "/readyz", timeout=30)).status == 200
        each = (server.resident_bytes() - before) // count
        print(f"{count} idle TLS connections: {each >> 10} KiB each")
        assert each < 160 << 10
        for writer in writers:
            writer.transport.abort()
        await http.aclose()


async def test_a_flood_is_answered_with_201_or_429_and_ends(tmp_path: Path) -> None:
    with many_files(8192), process(tmp_path) as server:
        clients = [HttpClient() for _ in range(600)]
        answers = await asyncio.gather(*(flood(http, server.origin, number) for number, http in enumerate(clients)))
        counted = Counter(status for status, _ in answers)
        print(counted)
        assert counted.keys() <= {201, 429}
        assert counted[201] > 0
        assert all(int(headers["retry-after"]) >= 1 for status, headers in answers if status == 429)
        answer = await clients[0].request(server.origin, "GET", MAPS, timeout=30)
        assert len(orjson.loads(answer.body)["items"]) == counted[201]
        for http in clients:
            await http.aclose()


async def flood(http: HttpClient, origin: Origin, number: int) -> tuple[int, dict[str, str]]:
    answer = await http.request(origin, "POST", MAPS, headers=JSON, body=config_map(f"m{number}"), timeout=60)
    return answer.status, {name.lower(): value for name, value in answer.headers}
