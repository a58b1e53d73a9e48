"""Running a command in a container and reading what it says."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Sequence

from wherry.base.clock import Clock
from wherry.node.actions.outcome import MAX_OUTPUT, ActionError, Outcome, seconds_text
from wherry.node.runtimes.port import ContainerMissing, Runtime, StartFailed, Streams
from wherry.wire.messages import ByteStream


async def run(
    runtime: Runtime, container_id: str, arguments: Sequence[str], *, clock: Clock, timeout: float
) -> Outcome:
    """Success is exit code 0. Raises `ActionError` when the container is not there."""
    try:
        async with clock.timeout(timeout):
            return await _run(runtime, container_id, arguments)
    except TimeoutError:
        command = shlex.join(arguments) if len(arguments) > 1 else " ".join(arguments)
        return Outcome(False, f'command timed out: "{command}" timed out after {seconds_text(timeout)}')
    except ContainerMissing as error:
        raise ActionError(str(error)) from error
    except StartFailed as error:
        return Outcome(False, str(error))


async def _run(runtime: Runtime, container_id: str, arguments: Sequence[str]) -> Outcome:
    streams = await runtime.exec(container_id, arguments)
    try:
        output = await _output(streams)
        code = await streams.wait()
    finally:
        await streams.close()
    return Outcome(code == 0, output.decode("utf-8", "replace"))


async def _output(streams: Streams) -> bytes:
    """Both streams, cut to the size that is kept; what comes after is read and dropped."""
    found = bytearray()

    async def drain(stream: ByteStream) -> None:
        while data := await stream.read():
            if len(found) < MAX_OUTPUT:
                found.extend(data[: MAX_OUTPUT - len(found)])

    readers = [drain(stream) for stream in (streams.stdout, streams.stderr) if stream is not None]
    await asyncio.gather(*readers)
    return bytes(found)
