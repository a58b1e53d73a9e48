"""What `wherry` prints is what kubectl prints, byte for byte; what one applied, the other finds unchanged."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Both

pytestmark = pytest.mark.e2e

OBJECTS = Path(__file__).parent / "objects.yaml"
DESCRIBED = Path(__file__).parent / "described.yaml"

READS = (
    "get pods",
    "get pods -o wide",
    "get cm,svc -A",
    "get all",
    "get all -A -o wide --no-headers",
    "get cm web -o yaml",
    "get cm web -o json",
    "get pods,svc -o yaml",
    "get deployment/web pod/p1 svc/web",
    "get deployment/web pod/p1 -o name",
    "get pods p1 nope p10",
    "get pods p1 nope -o yaml",
    "get pods nope --ignore-not-found",
    "get foo",
    "get secrets",
    "get secrets -A",
    "get nodes",
    "get pods --show-labels -L app,tier",
    "get pods -l app=web --no-headers",
    "get pods --field-selector metadata.name!=p1",
    "get pods --show-kind",
    "get pods --sort-by=.metadata.name",
    "get pods -o custom-columns=N:.metadata.name,L:.metadata.labels,X:.spec.nope,C:.spec.containers[*].name",
    "get pods -o jsonpath={.items[*].metadata.name}",
    'get pods -o jsonpath={range.items[*]}{.metadata.name}{"\\n"}{end}',
    "get pods -o jsonpath-as-json={.items[*].metadata}",
    "get clusterroles,roles -A",
    "get clusterrole admin -o yaml",
    "get events -A",
)


async def test_reading(both: Both) -> None:
    assert (await both.wherry("apply", "-f", str(OBJECTS))).code == 0
    for line in READS:
        await both.same(*line.split())


async def test_applying(both: Both) -> None:
    first = await both.wherry("apply", "-f", str(OBJECTS))
    assert first.out.count("created") == 5, first
    assert (await both.kubectl("apply", "-f", str(OBJECTS))).out.count("unchanged") == 5
    changed = OBJECTS.read_text().replace("image: busybox", "image: other").replace('a: "1"', 'b2: "1"')
    second = await both.kubectl("apply", "-f", "-", stdin=changed)
    assert second.out.count("configured") == 4, second
    third = await both.wherry("apply", "-f", "-", stdin=changed)
    assert third.out.count("unchanged") == 5, third
    back = await both.wherry("apply", "-f", str(OBJECTS))
    assert back.out == second.out
    assert (await both.kubectl("diff", "-f", str(OBJECTS))).code == 0


@pytest.mark.parametrize(
    "line",
    [
        "delete pods",
        "delete cm,svc nope",
        "delete pod nope",
        "delete pods --all --dry-run=client",
        "delete pods -l a=b",
    ],
)
async def test_deleting(both: Both, line: str) -> None:
    await both.wherry("apply", "-f", str(OBJECTS))
    await both.same(*line.split())


async def test_waiting(both: Both) -> None:
    await both.wherry("apply", "-f", str(OBJECTS))
    for line in (
        "wait pod/p1 --for=jsonpath={.status.phase}=Pending",
        "wait pod/p1 --for=condition=Ready --timeout=1s",
        "wait pod/nope --for=delete",
        "wait pods -l a=b --for=condition=Ready",
    ):
        await both.same(*line.split())


DESCRIPTIONS = (
    "pod/all deploy rs rc ds sts job cronjob",
    "svc endpointslices ep ing",
    "cm/config secret sa quota",
    "pv pvc sc",
    "role rolebinding clusterrole/view clusterrole/cluster-admin clusterrolebinding/cluster-admin",
    "pc lease pod/nope foo/x",
)


@pytest.mark.parametrize("kinds", DESCRIPTIONS)
async def test_describing(both: Both, kinds: str) -> None:
    result = await both.wherry("apply", "-f", str(DESCRIBED))
    assert result.code == 0, result
    for kind in kinds.split():
        await both.same("describe", kind)


@pytest.mark.parametrize("what", ("limits", "ns/default"))
async def test_describing_limits(both: Both, what: str) -> None:
    """kubectl goes through a Go map here, so the order of its resources differs from call to call."""
    await both.wherry("apply", "-f", str(DESCRIBED))
    theirs, ours = await both.kubectl("describe", what), await both.wherry("describe", what)
    assert sorted(ours.out.splitlines()) == sorted(theirs.out.splitlines())


async def test_describing_what_is_described(both: Both) -> None:
    """Selectors, beginnings of names, no events."""
    await both.wherry("apply", "-f", str(DESCRIBED))
    for line in ("describe pods -l a=1", "describe pod al", "describe pod nope", "describe foo", "describe pods -A"):
        await both.same(*line.split())
    await both.same("describe", "pods", "--show-events=false")
    await both.same("describe", "-f", str(OBJECTS))


async def test_applying_many_kinds_again(both: Both) -> None:
    """What is unchanged to kubectl is unchanged to us."""
    for _ in range(2):  # the second takes away the taint that a new node gets
        await both.wherry("apply", "-f", str(DESCRIBED))
    assert (await both.wherry("apply", "-f", str(DESCRIBED))).out == (
        await both.kubectl("apply", "-f", str(DESCRIBED))
    ).out
