"""An API server with a durable store in a process of its own, over plain HTTP or TLS: what the faults tests kill and flood.

`python api_process.py FILE [CERTIFICATE KEY]`. It prints its port when it answers.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import uvloop

from wherry.apiserver.app import ApiServer
from wherry.apiserver.config import ServerConfig
from wherry.apiserver.serving import wire_options
from wherry.base import log
from wherry.base.clock import RealClock
from wherry.store.compactor import Compactor
from wherry.store.sqlite.store import open_sqlite
from wherry.wire.server import serve
from wherry.wire.tls import server_context

COMPACT_SECONDS = 0.2


async def main(path: str, certificate: str = "", key: str = "") -> None:
    clock = RealClock()
    store = await open_sqlite(path)
    api = ApiServer(store=store, clock=clock, config=ServerConfig())
    await api.start()
    server = await serve(
        api.handle,
        options=wire_options(),
        clock=clock,
        tls=server_context(Path(certificate), Path(key)) if key else None,
    )
    print(server.port, flush=True)
    await asyncio.gather(api.run(), Compactor(store, clock=clock, interval=COMPACT_SECONDS).run())


if __name__ == "__main__":
    log.configure()
    uvloop.run(main(*sys.argv[1:]))
