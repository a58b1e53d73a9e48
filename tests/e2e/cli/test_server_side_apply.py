"""Server-side apply with the real kubectl: what it says, who owns what, the move from client-side apply."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import Both

pytestmark = pytest.mark.e2e

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: d, labels: {app: x}}
spec:
  replicas: 2
  selector: {matchLabels: {app: x}}
  template:
    metadata: {labels: {app: x}}
    spec:
      containers:
      - name: c
        image: nginx
        ports: [{containerPort: 80}]
        resources: {limits: {memory: 1Gi}}
"""
CHANGED = DEPLOYMENT.replace("replicas: 2", "replicas: 3")


async def managers(both: Both) -> dict[tuple[str, str], Any]:
    shown = await both.kubectl("get", "deployment", "d", "-o", "json", "--show-managed-fields")
    entries = json.loads(shown.out)["metadata"]["managedFields"]
    return {(each["manager"], each["operation"]): each["fieldsV1"] for each in entries}


async def test_both_programs_apply_alike(both: Both) -> None:
    first = await both.kubectl("apply", "--server-side", "-f", "-", stdin=DEPLOYMENT)
    assert (first.code, first.out) == (0, "deployment.apps/d serverside-applied\n")
    again = await both.wherry("apply", "--server-side", "-f", "-", stdin=DEPLOYMENT)
    assert (again.code, again.out) == (0, first.out)
    assert set(await managers(both)) == {("kubectl", "Apply")}
    for line in ("get deployment d -o yaml --show-managed-fields", "get deployment d -o json --show-managed-fields"):
        assert "fieldsV1" in await both.same(*line.split())
    for line in ("get deployment d -o yaml", "get deployment d -o json"):
        assert "managedFields" not in await both.same(*line.split())


async def test_conflicts_are_told_and_forced(both: Both) -> None:
    await both.kubectl("apply", "--server-side", "-f", "-", stdin=DEPLOYMENT)
    other = ("apply", "--server-side", "--field-manager=other", "-f", "-")
    theirs, ours = await both.kubectl(*other, stdin=CHANGED), await both.wherry(*other, stdin=CHANGED)
    assert theirs.code == ours.code == 1
    for result in (theirs, ours):
        assert 'Apply failed with 1 conflict: conflict with "kubectl": .spec.replicas' in result.err
    forced = await both.wherry(*other, "--force-conflicts", stdin=CHANGED)
    assert forced.out == "deployment.apps/d serverside-applied\n"
    found = await managers(both)
    assert "f:replicas" not in found["kubectl", "Apply"]["f:spec"]
    assert "f:replicas" in found["other", "Apply"]["f:spec"]


async def test_the_move_from_client_side_apply(both: Both) -> None:
    await both.kubectl("apply", "-f", "-", stdin=DEPLOYMENT)
    assert set(await managers(both)) == {("kubectl-client-side-apply", "Update")}
    viewed = await both.kubectl("apply", "view-last-applied", "deployment/d", "-o", "json")
    assert json.loads(viewed.out)["spec"]["replicas"] == 2
    moved = await both.kubectl("apply", "--server-side", "-f", "-", stdin=CHANGED)
    assert (moved.code, moved.out) == (0, "deployment.apps/d serverside-applied\n"), moved.err
    found = await managers(both)
    assert "f:replicas" in found["kubectl", "Apply"]["f:spec"]
    assert all("f:replicas" not in fields.get("f:spec", {}) for who, fields in found.items() if who[1] == "Update")
    viewed = await both.kubectl("apply", "view-last-applied", "deployment/d", "-o", "json")
    assert json.loads(viewed.out)["spec"]["replicas"] == 3


@pytest.mark.parametrize("program", ["kubectl", "wherry"])
async def test_what_was_applied_client_side_can_be_omitted_after_the_move(both: Both, program: str) -> None:
    run = getattr(both, program)
    await run("apply", "-f", "-", stdin=DEPLOYMENT)
    without = DEPLOYMENT.replace("        ports: [{containerPort: 80}]\n", "")
    moved = await run("apply", "--server-side", "-f", "-", stdin=without)
    assert (moved.code, moved.err) == (0, "")
    shown = json.loads((await both.kubectl("get", "deployment", "d", "-o", "json")).out)
    assert "ports" not in shown["spec"]["template"]["spec"]["containers"][0]
    found = await managers(both)
    assert set(found) == {("kubectl", "Apply"), ("kubectl-last-applied", "Apply")}


async def test_the_move_is_only_tried_by_a_dry_run(both: Both) -> None:
    await both.wherry("apply", "-f", "-", stdin=DEPLOYMENT)
    tried = await both.wherry("apply", "--server-side", "--dry-run=server", "-f", "-", stdin=CHANGED)
    assert (tried.code, tried.out) == (0, "deployment.apps/d serverside-applied (server dry run)\n")
    assert set(await managers(both)) == {("kubectl-client-side-apply", "Update")}


async def test_scaling_and_editing_have_managers_of_their_own(both: Both) -> None:
    await both.kubectl("apply", "--server-side", "-f", "-", stdin=DEPLOYMENT)
    assert (await both.kubectl("scale", "deployment/d", "--replicas=5")).code == 0
    assert (await both.kubectl("label", "deployment/d", "tier=web")).code == 0
    found = await managers(both)
    assert found["kubectl", "Update"] == {"f:spec": {"f:replicas": {}}}
    assert found["kubectl-label", "Update"] == {"f:metadata": {"f:labels": {"f:tier": {}}}}


async def test_fields_no_longer_applied_are_removed(both: Both) -> None:
    await both.kubectl("apply", "--server-side", "-f", "-", stdin=DEPLOYMENT)
    without = DEPLOYMENT.replace("        ports: [{containerPort: 80}]\n", "")
    assert (await both.kubectl("apply", "--server-side", "-f", "-", stdin=without)).code == 0
    shown = json.loads((await both.kubectl("get", "deployment", "d", "-o", "json")).out)
    assert "ports" not in shown["spec"]["template"]["spec"]["containers"][0]
    assert shown["spec"]["template"]["spec"]["containers"][0]["resources"] == {"limits": {"memory": "1Gi"}}
