"""However the network cuts the bytes, the same messages come out of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.node.server.log_lines import LogLines
from wherry.node.server.log_options import LogOptions
from wherry.wire.errors import ProtocolError
from wherry.wire.messages import Peer, Request
from wherry.wire.request_parser import Rejected, RequestParser, UpgradeSeen
from wherry.wire.server_options import ServerOptions
from wherry.wire.spdy import Data, Frame, FrameReader, FrameWriter, HeadersFrame, SynStream

TOKEN = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=12)
CUTS = st.lists(st.integers(1, 40), min_size=1, max_size=40)


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    """The bytes in pieces of these sizes, again and again."""
    pieces, position, turn = [], 0, 0
    while position < len(data):
        size = sizes[turn % len(sizes)]
        pieces.append(data[position : position + size])
        position, turn = position + size, turn + 1
    return pieces


class Collected:
    """A parser's sink."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []

    def on_request(self, request: Request, keep_alive: bool, http10: bool) -> None:
        self.requests.append((request.method, request.target, request.headers, request.body))

    def on_expect_continue(self) -> None: ...


@st.composite
def requests(draw: st.DrawFn) -> tuple[bytes, tuple[str, str, dict[str, str], bytes]]:
    method = draw(st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]))
    target = "/" + "/".join(draw(st.lists(TOKEN, max_size=4)))
    headers = {"host": "h", **{f"x-{name}": value for name, value in draw(st.dictionaries(TOKEN, TOKEN)).items()}}
    body = draw(st.binary(max_size=200))
    if draw(st.booleans()):
        headers["transfer-encoding"] = "chunked"
        chunks = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in cut(body, draw(CUTS))]
        sent = b"".join(chunks) + b"0\r\n\r\n"
    else:
        headers["content-length"] = str(len(body))
        sent = body
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + sent, (method, target, headers, body)


@given(st.lists(requests(), min_size=1, max_size=4), CUTS)
def test_requests(sent: list[tuple[bytes, tuple[str, str, dict[str, str], bytes]]], sizes: list[int]) -> None:
    collected = Collected()
    parser = RequestParser(collected, Peer("", 0), ServerOptions())
    for piece in cut(b"".join(raw for raw, _ in sent), sizes):
        parser.feed(piece)
    assert collected.requests == [expected for _, expected in sent]
    assert not parser.in_message


@given(st.binary(max_size=300), CUTS)
def test_nonsense_is_refused_or_waits_but_nothing_else(data: bytes, sizes: list[int]) -> None:
    parser = RequestParser(Collected(), Peer("", 0), ServerOptions(head_limit=100, body_limit=100))
    try:
        for piece in cut(data, sizes):
            parser.feed(piece)
    except (Rejected, UpgradeSeen):
        pass


FRAMES = st.one_of(
    st.builds(Data, st.integers(1, 99), st.binary(max_size=100), st.booleans()),
    st.builds(SynStream, st.integers(1, 99), st.dictionaries(TOKEN, TOKEN), st.booleans()),
    st.builds(HeadersFrame, st.integers(1, 99), st.dictionaries(TOKEN, TOKEN), st.booleans()),
)


@given(st.lists(FRAMES, max_size=8), CUTS)
def test_spdy_frames(frames: list[Frame], sizes: list[int]) -> None:
    writer, reader = FrameWriter(), FrameReader()
    sent = b"".join(writer.encode(frame) for frame in frames)
    assert [frame for piece in cut(sent, sizes) for frame in reader.feed(piece)] == frames


@given(st.binary(max_size=300), CUTS)
def test_spdy_nonsense(data: bytes, sizes: list[int]) -> None:
    reader = FrameReader()
    try:
        for piece in cut(data, sizes):
            list(reader.feed(piece))
    except ProtocolError:
        pass


@pytest.mark.parametrize(
    "options", [LogOptions(), LogOptions(timestamps=True, limit_bytes=50), LogOptions(tail_lines=3)]
)
@given(lines=st.lists(st.tuples(st.booleans(), st.binary(max_size=20)), max_size=8), sizes=CUTS)
def test_log_lines(options: LogOptions, lines: list[tuple[bool, bytes]], sizes: list[int]) -> None:
    data = b"".join(
        b"2026-01-02T03:04:05.1Z stdout %b %b\n" % (b"F" if full else b"P", text.replace(b"\n", b" "))
        for full, text in lines
    )
    whole, cut_up = LogLines(options), LogLines(options)
    assert b"".join(cut_up.feed(piece) for piece in cut(data, sizes)) == whole.feed(data)
