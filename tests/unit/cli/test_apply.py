"""`wherry apply`, `create` and `delete` against a real API server."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from .conftest import Wherry

MANIFEST = """
apiVersion: v1
kind: ConfigMap
metadata: {name: web, labels: {a: "1", b: "2"}}
data: {x: "1"}
---
apiVersion: v1
kind: List
items:
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web}
  spec:
    selector: {matchLabels: {app: web}}
    template:
      metadata: {labels: {app: web}}
      spec:
        containers:
        - {name: a, image: one}
        - {name: b, image: two}
"""


async def test_created_unchanged_configured(wherry: Wherry) -> None:
    assert await wherry("apply", "-f", "-", stdin=MANIFEST) == "configmap/web created\ndeployment.apps/web created\n"
    assert await wherry("apply", "-f", "-", stdin=MANIFEST) == (
        "configmap/web unchanged\ndeployment.apps/web unchanged\n"
    )
    changed = MANIFEST.replace('b: "2"', 'c: "3"').replace("        - {name: a, image: one}\n", "")
    assert await wherry("apply", "-f", "-", stdin=changed) == (
        "configmap/web configured\ndeployment.apps/web configured\n"
    )
    deployment = await wherry.client.get("deployments.apps", "web", namespace="default")
    assert [c["name"] for c in deployment["spec"]["template"]["spec"]["containers"]] == ["b"]


async def test_what_others_set_stays_and_what_was_applied_goes(wherry: Wherry) -> None:
    await wherry("apply", "-f", "-", stdin=MANIFEST)
    await wherry.client.patch("configmaps", "web", {"metadata": {"labels": {"other": "x"}}}, namespace="default")
    await wherry("apply", "-f", "-", stdin=MANIFEST.replace(', b: "2"', ""))
    found = await wherry.client.get("configmaps", "web", namespace="default")
    assert found["metadata"]["labels"] == {"a": "1", "other": "x"}


async def test_annotation_is_what_kubectl_writes(wherry: Wherry) -> None:
    await wherry(
        "apply", "-f", "-", stdin='{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"x":"<&>"}}'
    )
    found = await wherry.client.get("configmaps", "a", namespace="default")
    assert found["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] == (
        '{"apiVersion":"v1","data":{"x":"\\u003c\\u0026\\u003e"},"kind":"ConfigMap",'
        '"metadata":{"annotations":{},"name":"a","namespace":"default"}}\n'
    )


async def test_custom_kinds_are_merged_as_json(wherry: Wherry) -> None:
    """Without a schema: an object that only the server knows is patched by JSON merge; here, any unknown kind fails."""
    text = "apiVersion: example.com/v1\nkind: Foo\nmetadata: {name: x}\n"
    said = await wherry.fails("apply", "-f", "-", stdin=text)
    assert 'no matches for kind "Foo" in version "example.com/v1"' in said
    assert '"STDIN:1"' in said


async def test_dry_runs_change_nothing(wherry: Wherry) -> None:
    assert "created (dry run)" in await wherry("apply", "--dry-run=client", "-f", "-", stdin=MANIFEST)
    assert "created (server dry run)" in await wherry("apply", "--dry-run=server", "-f", "-", stdin=MANIFEST)
    assert "created (dry run)" in await wherry("apply", "--dry-run", "-f", "-", stdin=MANIFEST)
    assert (await wherry.client.list("configmaps", namespace="default"))["items"] == []


async def test_folders_and_places_of_errors(wherry: Wherry, tmp_path: Path) -> None:
    folder = tmp_path / "m"
    (folder / "deep").mkdir(parents=True)
    (folder / "b.yaml").write_text("kind: ConfigMap\napiVersion: v1\nmetadata: {name: b}\n")
    (folder / "a.json").write_text('{"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a"}}')
    (folder / "deep" / "c.yml").write_text("kind: ConfigMap\napiVersion: v1\nmetadata: {name: c}\n")
    (folder / "note.txt").write_text("not one")
    assert await wherry("apply", "-f", str(folder)) == "configmap/a created\nconfigmap/b created\n"
    assert await wherry("apply", "-R", "-f", str(folder), "-o", "name") == "configmap/a\nconfigmap/b\nconfigmap/c\n"
    bad = tmp_path / "bad.yaml"
    bad.write_text("a: 1\n---\nmetadata: {name: x}\n")
    assert f"unable to decode {bad}:1: Object 'Kind' is missing" in await wherry.fails("apply", "-f", str(bad))
    bad.write_text("kind: ConfigMap\napiVersion: v1\nmetadata: {name: x}\nfoo: 1\n")
    said = await wherry.fails("apply", "-f", str(bad))
    assert said.startswith(f'Error from server (BadRequest): error when creating "{bad}:1": ')
    assert 'unknown field "foo"' in said
    assert await wherry("apply", "--validate=ignore", "-f", str(bad)) == "configmap/x created\n"
    assert 'the path "nope.yaml" does not exist' in await wherry.fails("apply", "-f", "nope.yaml")


async def test_namespace_of_object_and_of_option_must_agree(wherry: Wherry) -> None:
    text = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: x, namespace: default}\n"
    assert 'does not match the namespace "kube-system"' in await wherry.fails(
        "apply", "-n", "kube-system", "-f", "-", stdin=text
    )


async def test_create_refuses_what_exists(wherry: Wherry) -> None:
    text = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: x}\n"
    assert await wherry("create", "-f", "-", stdin=text) == "configmap/x created\n"
    said = await wherry.fails("create", "-f", "-", stdin=text)
    assert said == 'Error from server (AlreadyExists): error when creating "STDIN:1": configmaps "x" already exists\n'


async def test_apply_warns_where_nothing_was_applied_before(wherry: Wherry) -> None:
    text = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: x}\n"
    await wherry("create", "-f", "-", stdin=text)
    result = await wherry.result("apply", "-f", "-", stdin=text)
    assert result.out == "configmap/x configured\n"
    assert "missing the kubectl.kubernetes.io/last-applied-configuration annotation" in result.err


async def test_delete(wherry: Wherry) -> None:
    for name in "abcd":
        body = {"metadata": {"name": name, "labels": {"l": name}}}
        await wherry.client.create("configmaps", body, namespace="default")
    assert await wherry("delete", "cm", "a") == 'configmap "a" deleted\n'
    assert await wherry.fails("delete", "cm/a") == 'Error from server (NotFound): configmaps "a" not found\n'
    assert await wherry("delete", "cm/a", "--ignore-not-found") == ""
    assert await wherry("delete", "cm", "-l", "l in (b,c)", "--dry-run=server") == (
        'configmap "b" deleted (server dry run)\nconfigmap "c" deleted (server dry run)\n'
    )
    assert await wherry("delete", "cm", "-l", "l in (b,c)", "-o", "name") == "configmap/b\nconfigmap/c\n"
    assert await wherry("delete", "cm", "--all", "--wait=false") == 'configmap "d" deleted\n'
    assert "no name was specified" in await wherry.fails("delete", "cm")
    assert await wherry("delete", "cm", "--all") == "No resources found\n"


async def test_delete_waits_for_finalizers(wherry: Wherry) -> None:
    body = {"metadata": {"name": "held", "finalizers": ["example.com/hold"]}}
    await wherry.client.create("configmaps", body, namespace="default")
    said = await wherry.fails("delete", "cm", "held", "--timeout=200ms")
    assert said == "error: timed out waiting for the condition on configmaps/held\n"
    waiting = asyncio.ensure_future(wherry("wait", "--for=delete", "cm/held"))
    await wherry.client.patch("configmaps", "held", {"metadata": {"finalizers": None}}, namespace="default")
    assert await waiting in ("configmap/held condition met\n", "")  # it may have been gone before


async def test_output_is_the_object(wherry: Wherry) -> None:
    text = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: x}\n"
    assert json.loads(await wherry("apply", "-f", "-", "-o", "json", stdin=text))["metadata"]["uid"]
