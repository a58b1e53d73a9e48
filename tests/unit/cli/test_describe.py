"""`wherry describe` against a real API server; tests/e2e/cli compares it with kubectl."""

from __future__ import annotations

from wherry.testing.pods import pod

from .conftest import Wherry


async def test_pod_by_the_beginning_of_its_name(wherry: Wherry) -> None:
    for name in ("web-1", "web-2", "db"):
        await wherry.client.create("pods", pod(name=name, namespace="default", uid=""), namespace="default")
    out = await wherry("describe", "pod", "web")
    assert [line.split()[-1] for line in out.splitlines() if line.startswith("Name:")] == ["web-1", "web-2"]
    assert await wherry.fails("describe", "pod", "x") == 'Error from server (NotFound): pods "x" not found\n'


async def test_any_kind_has_a_description(wherry: Wherry) -> None:
    lease = {"metadata": {"name": "l"}, "spec": {"leaseDurationSeconds": 10}}
    await wherry.client.create("leases.coordination.k8s.io", lease, namespace="default")
    out = await wherry("describe", "lease/l")
    assert "Lease Duration Seconds:  10" in out
    assert out.endswith("Events:                    <none>\n")
    assert "Events" not in await wherry("describe", "lease/l", "--show-events=false")
