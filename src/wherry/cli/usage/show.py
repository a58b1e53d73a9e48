"""Asking for metrics and printing them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import click

from wherry.api.errors import NotFound
from wherry.api.resources import Resource
from wherry.api.types import Object
from wherry.cli.errors import Refused
from wherry.cli.formats.tabs import align
from wherry.cli.target import Session
from wherry.cli.usage import rows

PODS = Resource("metrics.k8s.io", "v1beta1", "pods", "PodMetrics")
NODES = Resource("metrics.k8s.io", "v1beta1", "nodes", "NodeMetrics", namespaced=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TopOptions:
    name: str = ""
    all_namespaces: bool = False
    label_selector: str = ""
    field_selector: str = ""
    containers: bool = False
    summed: bool = False
    show_capacity: bool = False
    sort_by: str | None = None
    no_headers: bool = False


async def pods(session: Session, options: TopOptions) -> None:
    """Raises `Refused` where pods are there whose metrics are not."""
    namespace = None if options.all_namespaces else session.namespace
    found = await _read(session, PODS, options, namespace)
    if not found:
        await _explain(session, options, namespace)
        return
    head = rows.pod_header(namespaces=options.all_namespaces, containers=options.containers)
    table = rows.pod_rows(
        found, namespaces=options.all_namespaces, containers=options.containers, sort_by=options.sort_by
    )
    _print(head, table + (rows.sum_rows(found, len(head)) if options.summed else []), options)


async def nodes(session: Session, options: TopOptions) -> None:
    """Raises `Refused` where there are no metrics at all."""
    found = await _read(session, NODES, options, None)
    if not found:
        raise Refused("metrics not available yet")
    part = "capacity" if options.show_capacity else "allocatable"
    if options.name:
        known = [await session.client.get("nodes", options.name)]
    else:
        known = (await session.client.list("nodes", label_selector=options.label_selector))["items"]
    available = {node["metadata"]["name"]: (node.get("status") or {}).get(part) or {} for node in known}
    _print(rows.NODE_HEADER, rows.node_rows(found, available, sort_by=options.sort_by), options)


async def _read(session: Session, resource: Resource, options: TopOptions, namespace: str | None) -> list[Object]:
    """Raises `Refused` for a name and selectors at once, and where the cluster has no metrics API."""
    if options.name:
        if options.label_selector or options.field_selector:
            raise Refused("only one of NAME or selector can be provided")
        return [await session.client.get(resource, options.name, namespace=namespace)]
    try:
        listed = await session.client.list(
            resource,
            namespace=namespace,
            label_selector=options.label_selector,
            field_selector=options.field_selector,
        )
    except NotFound as error:
        raise Refused("Metrics API not available") from error
    items: list[Object] = listed["items"]
    return items


async def _explain(session: Session, options: TopOptions, namespace: str | None) -> None:
    """Say that there are no pods, or that they are too young. Raises `Refused`."""
    listed = await session.client.list(
        "pods", namespace=namespace, label_selector=options.label_selector, field_selector=options.field_selector
    )
    if listed["items"]:
        raise Refused("metrics not available yet")
    where = "" if namespace is None else f" in {namespace} namespace."
    click.echo(f"No resources found{where}", err=True)


def _print(head: Sequence[str], table: list[list[str]], options: TopOptions) -> None:
    lines = table if options.no_headers else [list(head), *table]
    # kubectl ends each cell with a tab, the last one too.
    click.echo(align(((*line, "") for line in lines), minimum=6, padding=3), nl=False)
