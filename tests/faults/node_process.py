"""A node agent in a process of its own, over the process runtime: what the faults tests kill.

Arguments: the server's URL, the CA, the certificate and key of the administrator, and a directory.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import orjson

from wherry.api.pod_network import PodAttachment
from wherry.base import log
from wherry.base.clock import RealClock
from wherry.base.files import write_atomic
from wherry.client.client import Client
from wherry.client.http_transport import HttpTransport
from wherry.node.agent import NodeAgent
from wherry.node.config import NodeConfig
from wherry.node.runtimes.process.runtime import ProcessRuntime
from wherry.testing.pod_network import FakePodNetwork


class LastingNetwork(FakePodNetwork):
    """Remembers its pods on disk."""

    def __init__(self, path: Path) -> None:
        super().__init__(prefix="127.0.0.", node_address="127.0.0.1")
        self._path = path
        if path.exists():
            for uid, address in orjson.loads(path.read_bytes()).items():
                self._attached[uid] = PodAttachment(pod_uid=uid, addresses=(address,))
        self._next = 2 + len(self._attached)

    def _save(self) -> None:
        addresses = {uid: attachment.addresses[0] for uid, attachment in self._attached.items()}
        write_atomic(self._path, orjson.dumps(addresses))

    async def attach(self, *, pod_uid: str, name: str, namespace: str, ports: Sequence[int] = ()) -> PodAttachment:
        found = await super().attach(pod_uid=pod_uid, name=name, namespace=namespace, ports=ports)
        self._save()
        return found

    async def detach(self, pod_uid: str) -> None:
        await super().detach(pod_uid)
        self._save()


async def main(url: str, ca: str, certificate: str, key: str, directory: str) -> None:
    root, clock = Path(directory), RealClock()
    transport = HttpTransport(url, ca=Path(ca), cert=Path(certificate), key=Path(key))
    agent = NodeAgent(
        client=Client(transport, clock=clock),
        runtime=ProcessRuntime(root=root / "runtime", clock=clock),
        network=LastingNetwork(root / "network.json"),
        clock=clock,
        config=NodeConfig(name="n1", root=root / "agent"),
    )
    await agent.run()


if __name__ == "__main__":
    log.configure()
    asyncio.run(main(*sys.argv[1:]))
