"""Starts a cluster, deploys the page of `hello.yaml`, and talks to every replica through the Service.

    python examples/01-hello/run.py [--name NAME] [--runtime auto|oci|process] [--nodes N]

The exit code is 0 only if every replica answered. The cluster stays up; `wherry down` removes it.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from wherry.api.errors import AlreadyExists
from wherry.api.resources import for_kind
from wherry.base.clock import RealClock
from wherry.cli.connect import client_for
from wherry.cli.progress import Steps
from wherry.client.client import Client

MANIFEST = Path(__file__).with_name("hello.yaml")
REPLICAS = 3
PATIENCE_SECONDS = 60.0


def main() -> None:
    options = arguments()
    began = time.monotonic()
    nodes = ["--nodes", str(options.nodes)] if options.nodes else []
    up = ["up", options.name, "--runtime", options.runtime, *nodes, "--no-wait"]
    if subprocess.run([sys.executable, "-m", "wherry", *up], check=False).returncode:
        sys.exit(1)
    with Steps() as steps:
        try:
            url, answers = asyncio.run(deploy(options.name, steps))
        except TimeoutError as error:
            steps.failed(str(error))
            sys.exit(1)
    seconds = time.monotonic() - began
    print(f"\n{answers[0]}")
    context = "wherry" if options.name == "wherry" else f"wherry-{options.name}"
    print(f"All {REPLICAS} replicas answered, {seconds:.2f} s after the start.\n")
    print(f"  URL      {url}\n  context  {context} (in your kubeconfig)\n")
    print("What to try next:")
    for command, why in next_steps(options.name):
        print(f"  {command:<44} {why}")


def next_steps(name: str) -> list[tuple[str, str]]:
    down = "wherry down" if name == "wherry" else f"wherry down {name}"
    return [
        ("wherry get pods -o wide", "where they run, and their addresses"),
        ("wherry logs -f deployment/hello", "what they print"),
        ("wherry exec -it deployment/hello -- sh", "a shell inside one of them"),
        ("kubectl scale deployment hello --replicas=5", "kubectl, Helm and Terraform work as they are"),
        (down, "remove everything again"),
    ]


async def deploy(name: str, steps: Steps) -> tuple[str, list[str]]:
    """Apply the manifest, wait for the replicas, and ask until each has answered."""
    client = client_for(name, clock=RealClock())
    try:
        with step(steps, "Deploying the example", "ConfigMap, Deployment and Service are created"):
            for document in yaml.safe_load_all(MANIFEST.read_text()):
                await create(client, document)
        with step(steps, "Waiting for the replicas", f"{REPLICAS} replicas are ready"):
            await wait_available(client, steps)
        service = await client.get("services", "hello", namespace="default")
        url = f"http://{service['spec']['clusterIP']}:{service['spec']['ports'][0]['port']}/"
        with step(steps, f"Asking {url}", "every replica has answered through the Service"):
            return url, await ask_everyone(url)
    finally:
        await client.aclose()


@contextmanager
def step(steps: Steps, doing: str, done: str) -> Iterator[None]:
    steps.begin(doing)
    yield
    steps.done(done)


async def create(client: Client, document: dict[str, Any]) -> None:
    """Create it; what is there already stays as it is."""
    try:
        resource = for_kind(document["apiVersion"], document["kind"])
        await client.create(resource, document, namespace="default")
    except AlreadyExists:
        pass


async def wait_available(client: Client, steps: Steps) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        try:
            async for event in client.watch("deployments.apps", namespace="default"):
                ready = event.object.get("status", {}).get("availableReplicas", 0)
                steps.update(f"Waiting for the replicas: {ready} of {REPLICAS} are ready")
                if event.object["metadata"]["name"] == "hello" and ready >= REPLICAS:
                    return
        except TimeoutError:
            raise
    raise TimeoutError("the watch ended before the replicas were ready")


async def ask_everyone(url: str) -> list[str]:
    """Ask until as many different pods have answered as there are replicas; the Service chooses at random."""
    answers: dict[str, str] = {}
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(answers) < REPLICAS:
        if time.monotonic() > deadline:
            raise TimeoutError(f"only {len(answers)} of {REPLICAS} replicas answered at {url}")
        try:
            text = await asyncio.to_thread(fetch, url)
        except OSError:
            await asyncio.sleep(0.02)  # the Service's rules may be a moment behind the pods
            continue
        answers[text.split("pod ")[-1].split()[0]] = text
    return list(answers.values())


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=2) as answer:
        return str(answer.read().decode().strip())


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", default="wherry")
    parser.add_argument("--runtime", default="auto", choices=["auto", "oci", "process"])
    parser.add_argument("--nodes", type=int)
    return parser.parse_args()


if __name__ == "__main__":
    main()
