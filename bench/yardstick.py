"""The yardstick: an aiohttp server on uvloop with TLS, whose one handler gives a JSON body of 5 KB.

Machines differ and are shared; a ratio to this server under the same load in the same run can be compared.
"""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BODY = b'{"items":[' + b",".join(b'{"name":"item-%04d","value":%d}' % (n, n) for n in range(140)) + b"]}"


def serve(port: int, certificate: str, key: str) -> None:
    """Serve until killed; runs in a process of its own."""
    import uvloop
    from aiohttp import web

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=BODY, content_type="application/json")

    app = web.Application()
    app.router.add_get("/", answer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    uvloop.install()
    web.run_app(app, host="127.0.0.1", port=port, ssl_context=context, print=None, access_log=None)


@contextmanager
def running(directory: Path) -> Iterator[str]:
    """The yardstick in a process of its own; gives its URL."""
    from wherry.base.clock import RealClock
    from wherry.distro.pki import Authority, Profile

    authority = Authority(directory, clock=RealClock())
    authority.ensure()
    pair = authority.issue("yardstick", Profile(common_name="yardstick", addresses=("127.0.0.1",), server=True))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    call = f"from bench.yardstick import serve; serve({port}, {str(pair.certificate)!r}, {str(pair.key)!r})"
    process = subprocess.Popen([sys.executable, "-W", "ignore", "-c", call])
    try:
        _wait(port)
        yield f"https://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _wait(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the yardstick did not start")
