"""Joining two byte streams, byte for byte in both directions."""

from __future__ import annotations

import asyncio

from wherry.base.tasks import cancel_and_wait
from wherry.wire.messages import ByteStream


async def _pump(source: ByteStream, sink: ByteStream) -> None:
    try:
        while data := await source.read():
            await sink.write(data)
        await sink.write_eof()
    except ConnectionError:
        # One end is gone: the other has nobody to talk to.
        source.close()
        sink.close()


async def splice(one: ByteStream, other: ByteStream) -> None:
    """Copy until both directions have ended, handing on half-closes. Closes both streams, also when cancelled."""
    pumps = [asyncio.ensure_future(_pump(one, other)), asyncio.ensure_future(_pump(other, one))]
    try:
        await asyncio.gather(*pumps)
    finally:
        one.close()
        other.close()
        await cancel_and_wait(*pumps)
