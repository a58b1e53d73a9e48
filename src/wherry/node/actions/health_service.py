"""grpc: asks `grpc.health.v1.Health/Check`, with just enough HTTP/2 for one call.

Sources: RFC 9113 (frames), RFC 7541 (header fields as literals, never indexed ones of our own), the gRPC health checking
protocol. Answers are read only as far as needed: the data frame of the response message.
"""

from __future__ import annotations

import struct

from wherry.base.clock import Clock
from wherry.node.actions.dial import dial, host_port
from wherry.node.actions.outcome import Outcome, seconds_text
from wherry.node.network_port import PodNetwork
from wherry.wire.messages import ByteStream

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PING, _GOAWAY = 0, 1, 3, 4, 6, 7
_END_STREAM, _ACK, _END_HEADERS, _PADDED = 1, 1, 4, 8
_STATUSES = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}


async def check(network: PodNetwork, address: str, port: int, service: str, *, clock: Clock, timeout: float) -> Outcome:
    where = host_port(address, port)
    try:
        async with clock.timeout(timeout):
            stream = await dial(network, address, port)
            try:
                status = await _ask(stream, where, service)
            finally:
                stream.close()
    except (TimeoutError, OSError):
        within = f"within {seconds_text(timeout)}: context deadline exceeded"
        return Outcome(False, f'timeout: failed to connect service "{where}" {within}')
    if status is None:
        return Outcome(False, "error: this server does not implement the grpc health protocol (grpc.health.v1.Health)")
    if status == 1:
        return Outcome(True, "service healthy")
    return Outcome(False, f'service unhealthy (responded with "{_STATUSES.get(status, str(status))}")')


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _literal(name: str, value: str) -> bytes:
    """A header field without indexing and without Huffman coding."""
    return b"\0" + _string(name) + _string(value)


def _string(text: str) -> bytes:
    data = text.encode()
    if len(data) < 127:
        return bytes((len(data),)) + data
    head, rest = bytearray((127,)), len(data) - 127
    while rest >= 128:
        head.append(rest % 128 + 128)
        rest //= 128
    return bytes(head) + bytes((rest,)) + data


def _request(authority: str, service: str) -> bytes:
    fields = (
        (":method", "POST"), (":scheme", "http"), (":path", "/grpc.health.v1.Health/Check"), (":authority", authority),
        ("content-type", "application/grpc"), ("te", "trailers"), ("user-agent", "kube-probe/1.36"),
    )  # fmt: skip
    block = b"".join(_literal(name, value) for name, value in fields)
    name = service.encode()
    message = b"\x0a" + bytes((len(name),)) + name if name else b""
    body = b"\0" + struct.pack(">I", len(message)) + message
    return (
        _PREFACE
        + _frame(_SETTINGS, 0, 0, b"")
        + _frame(_HEADERS, _END_HEADERS, 1, block)
        + _frame(_DATA, _END_STREAM, 1, body)
    )


async def _read_exactly(stream: ByteStream, buffer: bytearray, count: int) -> bytes:
    while len(buffer) < count:
        data = await stream.read()
        if not data:
            raise ConnectionError("EOF")
        buffer.extend(data)
    taken = bytes(buffer[:count])
    del buffer[:count]
    return taken


async def _ask(stream: ByteStream, authority: str, service: str) -> int | None:
    """The serving status; None where the server answers without a message (an error such as Unimplemented)."""
    await stream.write(_request(authority, service))
    buffer, message = bytearray(), bytearray()
    while True:
        head = await _read_exactly(stream, buffer, 9)
        size, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
        payload = await _read_exactly(stream, buffer, size)
        if kind == _SETTINGS and not flags & _ACK:
            await stream.write(_frame(_SETTINGS, _ACK, 0, b""))
        elif kind == _PING and not flags & _ACK:
            await stream.write(_frame(_PING, _ACK, 0, payload))
        elif kind == _DATA:
            message.extend(payload[1 : len(payload) - payload[0]] if flags & _PADDED else payload)
            if len(message) >= 5 and len(message) >= 5 + int.from_bytes(message[1:5], "big"):
                return _status(bytes(message[5:]))
        elif kind in (_RST_STREAM, _GOAWAY) or (kind == _HEADERS and flags & _END_STREAM):
            return None


def _status(message: bytes) -> int:
    """Field 1 of HealthCheckResponse; absent is 0."""
    return message[1] if len(message) >= 2 and message[0] == 0x08 else 0
