"""What the fake nodes' server answers."""

from __future__ import annotations

import asyncio
import json

from wherry.api.types import Object
from wherry.base.tasks import cancel_and_wait
from wherry.base.virtual_clock import VirtualClock
from wherry.node.fakes.nodes import FakeNode, FakeNodes
from wherry.node.fakes.server import FakeNodeServer
from wherry.testing.apiserver import client_of, in_process_server
from wherry.wire.messages import Request, Response


def pod(name: str, node: str, **said: str) -> Object:
    annotations = {f"wherry.dev/fake-{key}": value for key, value in said.items()}
    metadata = {"name": name, "namespace": "default", "annotations": annotations}
    return {"metadata": metadata, "spec": {"nodeName": node, "containers": [{"name": "main", "image": "app"}]}}


async def test_what_can_be_asked() -> None:
    clock = VirtualClock(ticking=False)
    async with in_process_server(clock=clock) as api:
        client = client_of(api, clock=clock)
        wanted = [FakeNode(name=f"n-{number}", number=number) for number in (1, 2)]
        nodes = FakeNodes(client=client, clock=clock, wanted=wanted)
        task = asyncio.ensure_future(nodes.run())
        await client.create("pods", pod("talks", "n-1", log="one\ntwo", cpu="1"))
        await client.create("pods", pod("silent", "n-2"))
        await clock.advance(10)
        allowed = [True]
        server = FakeNodeServer(nodes=nodes, authorize=lambda request: allowed[0], clock=clock, tls=None, port=0)

        def ask(target: str) -> tuple[int, str]:
            reply = server.handle(Request.make("GET", target))
            assert isinstance(reply, Response)
            assert isinstance(reply.body, bytes)
            return reply.status, reply.body.decode()

        assert ask("/containerLogs/default/talks/main?tailLines=10") == (200, "one\ntwo\n")
        assert "only pretends to run: it says nothing" in ask("/containerLogs/default/silent/main")[1]
        assert ask("/containerLogs/default/nobody/main") == (404, "pod does not exist")
        assert ask("/containerLogs/default/talks/other")[0] == 404
        status, text = ask("/exec/default/talks/main?command=ls")
        assert status == 400
        assert json.loads(text)["message"] == (
            "pod default/talks only pretends to run on a fake node: it cannot run commands"
        )
        assert (
            'container_cpu_usage_seconds_total{container="main",namespace="default",pod="talks"} 10'
            in (ask("/metrics/resource?node=n-1")[1])
        )
        assert "talks" not in ask("/metrics/resource?node=n-2")[1]
        assert ask("/metrics/resource") == (400, "many fake nodes share this port: name one with ?node=NAME")
        assert ask("/metrics/resource?node=n-3")[0] == 404
        assert json.loads(ask("/stats/summary?node=n-2")[1])["node"]["nodeName"] == "n-2"
        assert [p["metadata"]["name"] for p in json.loads(ask("/pods?node=n-2")[1])["items"]] == ["silent"]
        assert ask("/healthz") == (200, "ok")
        assert ask("/elsewhere")[0] == 404
        allowed[0] = False
        assert ask("/healthz")[0] == 401
        await cancel_and_wait(task)
