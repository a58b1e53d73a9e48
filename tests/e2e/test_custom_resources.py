"""The real kubectl with resources of one's own: defined, used, explained, patched, and gone again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from .conftest import Shell, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.root]

NAME = "berths.e2e.wherry.dev"
DEFINITION = f"""
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: {NAME}}}
spec:
  group: e2e.wherry.dev
  scope: Namespaced
  names: {{plural: berths, singular: berth, kind: Berth, shortNames: [bt], categories: [harbour]}}
  versions:
    - name: v1
      served: true
      storage: true
      subresources:
        status: {{}}
        scale: {{specReplicasPath: .spec.boats, statusReplicasPath: .status.boats}}
      additionalPrinterColumns:
        - {{name: Boats, type: integer, jsonPath: .spec.boats}}
        - {{name: Side, type: string, jsonPath: .spec.side, priority: 1}}
        - {{name: Age, type: date, jsonPath: .metadata.creationTimestamp}}
      selectableFields: [{{jsonPath: .spec.side}}]
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              required: [boats]
              x-kubernetes-validations:
                - {{rule: "self.side == 'port' || self.boats <= 5", message: starboard is shallow}}
                - {{rule: "self.side == oldSelf.side", messageExpression: "'lies on ' + oldSelf.side"}}
              properties:
                boats: {{type: integer, minimum: 0, maximum: 9, description: How many boats lie here.}}
                side: {{type: string, enum: [port, starboard], default: port}}
            status:
              type: object
              properties:
                boats: {{type: integer}}
    - name: v1beta1
      served: true
      storage: false
      schema:
        openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}
"""


def berth(name: str, **spec: object) -> str:
    return json.dumps({"apiVersion": "e2e.wherry.dev/v1", "kind": "Berth", "metadata": {"name": name}, "spec": spec})


@pytest.fixture
def berths(cluster: Shell, namespace: str) -> Iterator[str]:
    """The definition, established, and two instances; gives their namespace."""
    cluster.kubectl("apply", "-f", "-", input=DEFINITION)
    try:
        cluster.kubectl("wait", f"crd/{NAME}", "--for=condition=Established", "--timeout=10s")
        cluster.kubectl("apply", "-n", namespace, "-f", "-", input=berth("north", boats=2))
        cluster.kubectl("create", "-n", namespace, "-f", "-", input=berth("south", boats=4, side="starboard"))
        yield namespace
    finally:
        cluster.kubectl("delete", "crd", NAME, "--ignore-not-found", "--timeout=20s")


def test_instances_are_listed_with_the_columns_of_their_definition(cluster: Shell, berths: str) -> None:
    table = cluster.kubectl("get", "berths", "-n", berths)
    assert re.search(r"^NAME +BOATS +AGE\nnorth +2 +\d+s\nsouth +4 +\d+s$", table, re.M)
    assert "starboard" in cluster.kubectl("get", "bt", "south", "-n", berths, "-o", "wide")
    assert "berth.e2e.wherry.dev/north" in cluster.kubectl("get", "harbour", "-n", berths, "-o", "name")
    assert "berth" not in cluster.kubectl("get", "all", "-n", berths, "-o", "name")
    selected = cluster.kubectl("get", "berths", "-n", berths, "--field-selector=spec.side=starboard", "-o", "name")
    assert selected.split() == ["berth.e2e.wherry.dev/south"]


def test_the_definition_shows_in_api_resources_and_explain(cluster: Shell, berths: str) -> None:
    resources = cluster.kubectl("api-resources", "--api-group=e2e.wherry.dev")
    assert re.search(r"^berths +bt +e2e.wherry.dev/v1 +true +Berth$", resources, re.M)
    explained = cluster.kubectl("explain", "berth.spec.boats")
    assert "How many boats lie here." in explained and "<integer>" in explained


def test_writes_are_checked_and_defaults_filled_in(cluster: Shell, berths: str) -> None:
    assert cluster.json("get", "berth", "north", "-n", berths)["spec"] == {"boats": 2, "side": "port"}
    refused = cluster.kubectl("apply", "-n", berths, "-f", "-", input=berth("bad", boats=10, side="up"), check=False)
    assert "spec.boats in body should be less than or equal to 9" in refused
    assert 'spec.side: Unsupported value: "up": supported values: "port", "starboard"' in refused
    strict = cluster.kubectl("apply", "-n", berths, "-f", "-", input=berth("odd", boats=1, keel=1), check=False)
    assert 'unknown field "spec.keel"' in strict


def test_rules_are_checked_and_wrong_ones_refused(cluster: Shell, berths: str) -> None:
    deep = berth("deep", boats=6, side="starboard")
    refused = cluster.kubectl("apply", "-n", berths, "-f", "-", input=deep, check=False)
    assert 'The Berth "deep" is invalid: spec: Invalid value: "object": starboard is shallow' in refused
    moved = cluster.kubectl(
        "patch", "berth", "north", "-n", berths, "--type=merge", "-p", '{"spec":{"side":"starboard"}}', check=False
    )
    assert 'spec: Invalid value: "object": lies on port' in moved
    wrong = DEFINITION.replace("self.boats <= 5", "self.boots <= 5")
    refused = cluster.kubectl("apply", "-f", "-", input=wrong, check=False)
    assert "compilation failed: ERROR: <input>:1:28: undefined field 'boots'" in refused
    assert " | self.side == 'port' || self.boots <= 5\n | ...........................^" in refused


def test_patch_apply_scale_and_edit_of_status(cluster: Shell, berths: str) -> None:
    cluster.kubectl("patch", "berth", "north", "-n", berths, "--type=merge", "-p", '{"spec":{"boats":3}}')
    assert "configured" in cluster.kubectl("apply", "-n", berths, "-f", "-", input=berth("north", boats=5))
    cluster.kubectl("scale", "berth/north", "-n", berths, "--replicas=7")
    patch = '{"status":{"boats":7},"spec":{"boats":1}}'
    cluster.kubectl("patch", "berth", "north", "-n", berths, "--subresource=status", "--type=merge", "-p", patch)
    found = cluster.json("get", "berth", "north", "-n", berths)
    assert (found["spec"]["boats"], found["status"], found["metadata"]["generation"]) == (7, {"boats": 7}, 4)
    assert cluster.json("get", "berths.v1beta1.e2e.wherry.dev", "north", "-n", berths)["apiVersion"].endswith("v1beta1")


def test_the_garbage_collector_follows_owners_of_a_custom_kind(cluster: Shell, berths: str) -> None:
    owner = cluster.json("get", "berth", "north", "-n", berths)["metadata"]
    reference = {"apiVersion": "e2e.wherry.dev/v1", "kind": "Berth", "name": "north", "uid": owner["uid"]}
    owned = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owned", "ownerReferences": [reference]}}
    cluster.kubectl("create", "-n", berths, "-f", "-", input=json.dumps(owned))
    cluster.kubectl("delete", "berth", "north", "-n", berths)
    eventually(lambda: not cluster.kubectl("get", "cm", "owned", "-n", berths, "--ignore-not-found"), seconds=15)


def test_a_deleted_namespace_takes_its_instances_along(cluster: Shell, berths: str) -> None:
    cluster.kubectl("create", "namespace", "crd-e2e-gone")
    cluster.kubectl("create", "-n", "crd-e2e-gone", "-f", "-", input=berth("east", boats=1))
    cluster.kubectl("delete", "namespace", "crd-e2e-gone", "--timeout=20s")
    assert "crd-e2e-gone" not in cluster.kubectl("get", "berths", "-A")


def test_a_deleted_definition_takes_its_instances_along(cluster: Shell, berths: str) -> None:
    cluster.kubectl("delete", "crd", NAME, "--timeout=20s")
    left = cluster.kubectl("get", "--raw", "/apis/e2e.wherry.dev/v1/berths", check=False)
    assert "the server could not find the requested resource" in left or "404 page not found" in left
