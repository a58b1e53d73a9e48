from __future__ import annotations

import zlib

import pytest

from wherry.wire.errors import ProtocolError
from wherry.wire.spdy import (
    Data,
    Frame,
    FrameReader,
    FrameWriter,
    GoAway,
    HeadersFrame,
    Ping,
    RstStream,
    Settings,
    SynReply,
    SynStream,
    WindowUpdate,
)
from wherry.wire.spdy_dictionary import DICTIONARY_ADLER32, dictionary

FRAMES: list[Frame] = [
    SynStream(1, {"streamtype": "error", "port": "80", "requestid": "0"}, priority=3),
    SynStream(3, {"streamtype": "data"}, fin=True, unidirectional=True, associated=1),
    SynReply(1),
    SynReply(3, {"a": "b\0c"}, fin=True),
    Data(1, b"hello"),
    Data(1, b"", fin=True),
    RstStream(3, 5),
    Settings({4: 100, 7: 65536}),
    Ping(2),
    GoAway(3, 1),
    HeadersFrame(1, {"x": "y"}),
    WindowUpdate(0, 1000),
]


def test_the_dictionary_is_the_standards() -> None:
    assert len(dictionary()) == 1423
    assert zlib.adler32(dictionary()) == DICTIONARY_ADLER32


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_frames_come_back_however_the_bytes_are_cut(size: int) -> None:
    writer, reader = FrameWriter(), FrameReader()
    sent = b"".join(writer.encode(frame) for frame in FRAMES)
    pieces = [sent[start : start + size] for start in range(0, len(sent), size)]
    assert [frame for piece in pieces for frame in reader.feed(piece)] == FRAMES


def test_the_layout_on_the_wire() -> None:
    encode = FrameWriter().encode
    assert encode(Data(1, b"abc", fin=True)) == b"\0\0\0\x01\x01\0\0\x03abc"
    assert encode(Ping(2)) == b"\x80\x03\0\x06\0\0\0\x04\0\0\0\x02"
    syn = encode(SynStream(1, {}, priority=1))
    assert syn[:18] == b"\x80\x03\0\x01\0\0\0" + bytes([len(syn) - 8]) + b"\0\0\0\x01\0\0\0\0\x20\0"
    assert syn[20:24] == DICTIONARY_ADLER32.to_bytes(4, "big")


def test_unknown_control_frames_are_skipped() -> None:
    assert list(FrameReader().feed(b"\x80\x03\0\x0b\0\0\0\x02ab\0\0\0\x01\0\0\0\0")) == [Data(1, b"")]


@pytest.mark.parametrize(
    "sent",
    [
        b"\x80\x02\0\x01\0\0\0\x00",
        b"\x80\x03\0\x01\0\0\0\x04\0\0\0\x01",
        b"\x80\x03\0\x02\0\0\0\x08\0\0\0\x01junk",
        b"\x80\x03\0\x04\0\0\0\x04\0\0\0\x09",
        b"\x80\x03\0\x06\0\0\0\x00",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_nonsense_is_refused(sent: bytes) -> None:
    if sent.startswith(b"GET"):
        assert list(FrameReader().feed(sent)) == []  # looks like a data frame that is not complete yet
        return
    with pytest.raises(ProtocolError):
        list(FrameReader().feed(sent))
