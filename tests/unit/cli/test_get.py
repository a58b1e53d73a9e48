"""`wherry get` against a real API server; tests/e2e/cli compares it with kubectl."""

from __future__ import annotations

import asyncio
import json
import os
import sys

import yaml

from wherry.testing.pods import pod

from .conftest import Wherry


async def test_tables_and_their_header(wherry: Wherry) -> None:
    await wherry.client.create("configmaps", {"metadata": {"name": "a"}, "data": {"x": "1"}}, namespace="default")
    out = await wherry("get", "cm")
    assert out.splitlines()[0] == "NAME   DATA   AGE"
    assert out.splitlines()[1].startswith("a      1      ")
    assert (await wherry("get", "cm", "--no-headers")).startswith("a     1     ")


async def test_nothing_there(wherry: Wherry) -> None:
    result = await wherry.result("get", "pods")
    assert (result.code, result.out, result.err) == (0, "", "No resources found in default namespace.\n")
    assert (await wherry.result("get", "pods", "-A")).err == "No resources found\n"
    assert (await wherry.result("get", "nodes")).err == "No resources found\n"


async def test_failures_are_in_kubectls_words(wherry: Wherry) -> None:
    assert await wherry.fails("get", "foo") == 'error: the server doesn\'t have a resource type "foo"\n'
    assert await wherry.fails("get", "pods", "x", "y") == (
        'Error from server (NotFound): pods "x" not found\nError from server (NotFound): pods "y" not found\n'
    )
    assert "resource/name form" in await wherry.fails("get", "pods/x", "y")
    assert "across all namespaces" in await wherry.fails("get", "pods", "x", "-A")
    assert await wherry.fails("get", "pods", "x", "-l", "a=b") == (
        "error: name cannot be provided when a selector is specified\n"
    )
    assert "unable to match a printer" in await wherry.fails("get", "pods", "-o", "foo")
    assert (await wherry.result("get", "pods", "x", "--ignore-not-found")).code == 0


async def test_whole_objects(wherry: Wherry) -> None:
    await wherry.client.create("configmaps", {"metadata": {"name": "a", "labels": {"l": "1"}}}, namespace="default")
    one = yaml.safe_load(await wherry("get", "cm/a", "-o", "yaml"))
    assert (one["kind"], one["metadata"]["name"]) == ("ConfigMap", "a")
    many = json.loads(await wherry("get", "cm", "-o=json"))
    assert (many["kind"], [item["kind"] for item in many["items"]]) == ("List", ["ConfigMap"])
    assert await wherry("get", "cm,ns", "-o", "name", "-l", "l") == "configmap/a\n"
    assert await wherry("get", "cm", "a", "-ojsonpath={.metadata.labels.l}") == "1"
    assert await wherry("get", "cm", "-o", "custom-columns=N:.metadata.name,X:.x") == "N     X\na     <none>\n"


async def test_sorting(wherry: Wherry) -> None:
    for name, size in (("p10", "2"), ("p9", "1"), ("p1", "10")):
        metadata = {"name": name, "annotations": {"size": size}}
        await wherry.client.create("configmaps", {"metadata": metadata}, namespace="default")
    assert await wherry("get", "cm", "-o", "name", "--sort-by", "metadata.name") == (
        "configmap/p1\nconfigmap/p9\nconfigmap/p10\n"
    )
    out = await wherry("get", "cm", "--no-headers", "--sort-by={.metadata.annotations.size}")
    assert [line.split()[0] for line in out.splitlines()] == ["p9", "p10", "p1"]
    assert "couldn't find any field" in await wherry.fails("get", "cm", "--sort-by", ".nope")


async def test_categories_and_kinds_in_names(wherry: Wherry) -> None:
    await wherry.client.create("pods", pod(namespace="default"), namespace="default")
    out = await wherry("get", "all", "--no-headers")
    assert [line.split()[0] for line in out.splitlines()] == ["pod/p", "service/kubernetes"]


async def test_watch_goes_on_with_changes(wherry: Wherry) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "wherry", "get", "cm", "-w", "-o", "name", "--kubeconfig", str(wherry.at.kubeconfig),
        stdout=asyncio.subprocess.PIPE, env={"PYTHONPATH": "src", "PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        await wherry.client.create("configmaps", {"metadata": {"name": "later"}}, namespace="default")
        async with asyncio.timeout(20):
            assert await process.stdout.readline() == b"configmap/later\n"
    finally:
        process.terminate()
        await process.wait()


async def test_raw(wherry: Wherry) -> None:
    assert await wherry("get", "--raw", "/readyz") == "ok"
