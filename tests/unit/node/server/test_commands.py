from __future__ import annotations

import asyncio
import base64
from typing import Any

import orjson
import pytest

from wherry.base.tasks import cancel_and_wait
from wherry.wire.errors import UpgradeRefused
from wherry.wire.spdy_session import SpdySession
from wherry.wire.websocket import WebSocket
from wherry.wire.websocket_handshake import connect_websocket

from .conftest import APP_ID, Node

EXEC = "/exec/default/web/app?command=%s&output=1&error=1"


async def open_exec(node: Node, target: str, protocol: str = "v5.channel.k8s.io") -> WebSocket:
    socket = await connect_websocket(node.client, node.origin, target, subprotocols=[protocol], timeout=5)
    assert socket.subprotocol == protocol
    return socket


async def collect(socket: WebSocket) -> dict[int, bytes]:
    """What came on each channel until the server closed."""
    channels: dict[int, bytes] = {}
    async with asyncio.timeout(5):
        while (message := await socket.receive()) is not None:
            assert isinstance(message, bytes)
            channels[message[0]] = channels.get(message[0], b"") + message[1:]
    assert socket.close_code == 1000
    return channels


async def test_output_and_success(node: Node) -> None:
    channels = await collect(await open_exec(node, EXEC % "echo&command=a%20b"))
    assert channels[1] == b"echo a b"
    assert orjson.loads(channels[3]) == {"metadata": {}, "status": "Success"}


async def test_exit_code_and_both_outputs(node: Node) -> None:
    channels = await collect(await open_exec(node, EXEC % "false", "v4.channel.k8s.io"))
    assert (channels[1], channels[2]) == (b"out", b"err")
    status = orjson.loads(channels[3])
    assert (status["status"], status["reason"]) == ("Failure", "NonZeroExitCode")
    assert status["details"]["causes"] == [{"reason": "ExitCode", "message": "3"}]


async def test_a_command_that_cannot_start(node: Node) -> None:
    status = orjson.loads((await collect(await open_exec(node, EXEC % "missing")))[3])
    assert status["reason"] == "InternalError"
    assert status["message"] == (
        "Internal error occurred: error executing command in container: "
        'exec: "missing": executable file not found in $PATH'
    )


async def test_input_until_it_is_closed(node: Node) -> None:
    socket = await open_exec(node, EXEC % "cat" + "&input=1&tty=1")
    await socket.send(b"\x04" + b'{"Width":100,"Height":30}')
    await socket.send(b"\x04nonsense")
    await socket.send(b"\x00" + b"hello " * 20_000)
    await socket.send(b"\x00end")
    await socket.send(b"\xff\x00")
    channels = await collect(socket)
    assert channels[1] == b"hello " * 20_000 + b"end"
    assert orjson.loads(channels[3])["status"] == "Success"


async def test_base64_and_the_oldest_protocol(node: Node) -> None:
    socket = await open_exec(node, EXEC % "echo&command=x", "base64.channel.k8s.io")
    messages = []
    while (message := await socket.receive()) is not None:
        messages.append(message)
    assert messages == ["1", "1" + base64.b64encode(b"echo x").decode()]
    channels = await collect(await open_exec(node, EXEC % "missing", "channel.k8s.io"))
    assert channels[3].startswith(b"Internal error occurred: error executing")


async def test_when_the_client_goes_away_the_process_is_killed(node: Node) -> None:
    socket = await open_exec(node, EXEC % "cat" + "&input=1")
    await socket.receive()
    assert node.runtime._execs
    socket.abort()
    async with asyncio.timeout(5):
        while node.runtime._execs:
            await asyncio.sleep(0.005)


async def test_attach_ends_with_the_container(node: Node) -> None:
    socket = await open_exec(node, "/attach/default/web/app?output=1&error=1")
    assert await socket.receive() == b"\x01"
    node.runtime.machine.containers[APP_ID].attached[0].say("stdout", b"said")
    assert await socket.receive() == b"\x01said"
    await node.runtime.kill(APP_ID)
    channels = await collect(socket)
    assert orjson.loads(channels[3])["details"]["causes"][0]["message"] == "137"


@pytest.mark.parametrize(
    ("target", "status", "text"),
    [
        ("/exec/default/none/app?command=a&output=1", 404, "pod does not exist"),
        ("/exec/default/web/side?command=a&output=1", 500, 'container not found ("side")'),
        ("/exec/default/web/app?command=a", 400, "you must specify at least 1 of stdin, stdout, stderr"),
        ("/attach/default/web/side?output=1", 500, "container side not found in pod web_default"),
    ],
)
async def test_refusals(node: Node, target: str, status: int, text: str) -> None:
    with pytest.raises(UpgradeRefused) as refused:
        await connect_websocket(node.client, node.origin, target, subprotocols=["v5.channel.k8s.io"])
    assert (refused.value.status, refused.value.body) == (status, text.encode())


async def test_an_exec_that_is_no_upgrade(node: Node) -> None:
    response = await node.client.request(node.origin, "POST", EXEC % "cat", timeout=5)
    assert response.status == 400


async def test_over_spdy(node: Node) -> None:
    headers = [("Connection", "Upgrade"), ("Upgrade", "SPDY/3.1"), ("X-Stream-Protocol-Version", "v5.channel.k8s.io")]
    with pytest.raises(UpgradeRefused, match="status 403"):
        await node.client.upgrade(node.origin, "POST", EXEC % "cat" + "&input=1", headers=headers)
    headers.append(("X-Stream-Protocol-Version", "v4.channel.k8s.io"))
    upgraded = await node.client.upgrade(node.origin, "POST", EXEC % "cat" + "&input=1", headers=headers, timeout=5)
    assert upgraded.headers["x-stream-protocol-version"] == "v4.channel.k8s.io"
    session = SpdySession(upgraded.stream, server=False)
    running = asyncio.create_task(session.run())
    streams: dict[str, Any] = {}
    for kind in ("error", "stdin", "stdout", "stderr"):
        streams[kind] = await session.open({"streamtype": kind})
    await streams["stdin"].write(b"over spdy")
    await streams["stdin"].write_eof()
    async with asyncio.timeout(5):
        assert await streams["stdout"].read() == b"over spdy"
        assert await streams["stdout"].read() == b""
        assert orjson.loads(await streams["error"].read())["status"] == "Success"
    await cancel_and_wait(running)
