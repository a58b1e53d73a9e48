"""What the server does by itself: old events go, the kubernetes service stays."""

from __future__ import annotations

import asyncio

from wherry.apiserver.event_expiry import sweep
from wherry.testing.http import Api

EVENTS = "/api/v1/namespaces/default/events"


async def test_events_go_an_hour_after_they_last_happened(api: Api) -> None:
    about = {"kind": "Pod", "namespace": "default", "name": "a"}
    old = {"metadata": {"name": "old"}, "involvedObject": about, "lastTimestamp": "2026-01-01T00:00:00Z"}
    await api.create(EVENTS, old)
    await api.create(EVENTS, {**old, "metadata": {"name": "new"}, "lastTimestamp": "2026-01-01T00:30:00Z"})
    await api.clock.advance(3700)
    assert await sweep(api.server.parts) == 1
    assert (await api("GET", f"{EVENTS}/old")).status == 404
    assert (await api("GET", f"{EVENTS}/new")).status == 200


async def test_the_kubernetes_service_comes_back(api: Api) -> None:
    running = asyncio.ensure_future(api.server.run())
    await api("DELETE", "/api/v1/namespaces/default/services/kubernetes")
    await api.clock.advance(61)
    answer = await api("GET", "/api/v1/namespaces/default/services/kubernetes")
    assert answer.body["spec"]["clusterIP"] == "10.96.0.1"
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
