"""Exec and attach over SPDY/3.1 (`v4.channel.k8s.io` and older as `X-Stream-Protocol-Version`), for older clients.

The client opens a stream for each of error, stdin, stdout, stderr and resize, told apart by the header `streamtype`.
Source: k8s.io/kubelet streaming/remotecommand.
"""

from __future__ import annotations

import asyncio

import orjson

from wherry.api.types import Object
from wherry.base.clock import Clock
from wherry.base.tasks import cancel_and_wait
from wherry.node.server.channels import parse_size
from wherry.node.server.remote import Event, Input, InputEnd, StreamOptions
from wherry.wire.messages import ByteStream
from wherry.wire.spdy import Status
from wherry.wire.spdy_session import SpdySession
from wherry.wire.spdy_stream import SpdyStream

PROTOCOLS = ("v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io")
"""Of `X-Stream-Protocol-Version`, best first."""
_OPEN_SECONDS = 30.0


class SpdyRemote:
    """A `Remote` over a SPDY session. `open` before anything else, `stop` at the end."""

    def __init__(self, stream: ByteStream, options: StreamOptions, *, protocol: str, clock: Clock) -> None:
        self._session = SpdySession(stream, server=True, on_stream=self._on_stream)
        self._options = options
        self._status_as_object = protocol == PROTOCOLS[0]
        self._sizes = protocol in PROTOCOLS[:2]
        self._clock = clock
        self._streams: dict[str, SpdyStream] = {}
        self._opened = asyncio.Event()
        self._events: asyncio.Queue[Event | None] = asyncio.Queue(maxsize=8)
        self._tasks: list[asyncio.Task[None]] = []

    def _expected(self) -> set[str]:
        options = self._options
        wanted = {"stdin": options.stdin, "stdout": options.stdout, "stderr": options.stderr}
        names = {name for name, want in wanted.items() if want} | {"error"}
        return names | {"resize"} if options.tty and self._sizes else names

    def _on_stream(self, stream: SpdyStream) -> None:
        kind = stream.headers.get("streamtype", "")
        if kind not in ("error", "stdin", "stdout", "stderr", "resize") or kind in self._streams:
            self._tasks.append(asyncio.ensure_future(stream.reset(Status.PROTOCOL_ERROR)))
            return
        self._streams[kind] = stream
        self._tasks.append(asyncio.ensure_future(stream.accept()))
        if self._expected() <= self._streams.keys():
            self._opened.set()

    async def open(self) -> None:
        """Until the client has opened its streams. Raises `TimeoutError`."""
        self._tasks.append(asyncio.ensure_future(self._run()))
        async with self._clock.timeout(_OPEN_SECONDS):
            await self._opened.wait()
        for kind, pump in (("stdin", self._stdin), ("resize", self._resize)):
            if stream := self._streams.get(kind):
                self._tasks.append(asyncio.ensure_future(pump(stream)))

    async def _run(self) -> None:
        try:
            await self._session.run()
        finally:
            await self._events.put(None)

    async def _stdin(self, stream: SpdyStream) -> None:
        try:
            while data := await stream.read():
                await self._events.put(Input(data))
        except ConnectionError:
            pass
        await self._events.put(InputEnd())

    async def _resize(self, stream: SpdyStream) -> None:
        pending = b""
        try:
            while data := await stream.read():
                *lines, pending = (pending + data).replace(b"}", b"}\n").split(b"\n")
                for line in filter(None, map(parse_size, lines)):
                    await self._events.put(line)
        except ConnectionError:
            pass

    async def receive(self) -> Event | None:
        return await self._events.get()

    async def send(self, stream: str, data: bytes) -> None:
        if target := self._streams.get(stream):
            await target.write(data)

    async def send_status(self, status: Object) -> None:
        if self._status_as_object:
            await self._streams["error"].write(orjson.dumps(status))
        elif status["status"] != "Success":
            await self._streams["error"].write(str(status["message"]).encode())

    async def close(self) -> None:
        """Every stream ends, then the session."""
        for stream in self._streams.values():
            await stream.write_eof()
        await self._session.close()

    async def stop(self) -> None:
        await cancel_and_wait(*self._tasks)
