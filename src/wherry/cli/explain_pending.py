"""`wherry explain-pending`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from wherry.cli.kubecommand import command
from wherry.cli.target import Target, target_options

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wherry.api.types import Object
    from wherry.cli.target import Session
    from wherry.scheduler.explain.explanation import Explanation
    from wherry.scheduler.storage.view import Storage

PLANS_SHOWN = 5
NODES_SHOWN = 5


@command(name="explain-pending")
@click.argument("pod")
@click.option("--all-nodes", is_flag=True, help="Name every node that a rule rules out, however many there are.")
@target_options
def explain_pending(pod: str, *, all_nodes: bool, target: Target) -> None:
    """Tell why a pod has no node, and the smallest change that would give it one.

    \b
    wherry explain-pending web-1
    wherry explain-pending web-1 -n shop --all-nodes

    Asks the rules of the default profile about every node of the cluster, whoever schedules there. Each change that is
    shown has been tried: the rules agree to it. Resource claims are not looked at.
    """

    async def work(session: Session) -> None:
        for line in await _explained(session, pod, None if all_nodes else NODES_SHOWN):
            click.echo(line)

    target.run(work)


async def _explained(session: Session, name: str, most: int | None) -> Sequence[str]:
    client = session.client
    pod = await client.get("pods", name, namespace=session.namespace)
    if node := pod["spec"].get("nodeName"):
        return [f"Pod {name} is not waiting for a node: it is on {node}."]
    if gates := pod["spec"].get("schedulingGates"):
        names = ", ".join(gate["name"] for gate in gates)
        return [f"Pod {name} is not to be scheduled yet: it waits for the removal of its scheduling gates {names}."]
    from wherry.scheduler.explain.explanation import explain
    from wherry.scheduler.explain.world import World

    nodes = (await client.list("nodes"))["items"]
    pods = (await client.list("pods"))["items"]
    namespaces = (await client.list("namespaces"))["items"]
    labels = {each["metadata"]["name"]: each["metadata"].get("labels") or {} for each in namespaces}
    storage = await _storage(session) if pod["spec"].get("volumes") else None
    return list(_lines(pod, explain(pod, World(nodes, pods, labels, storage)), most))


async def _storage(session: Session) -> Storage:
    from wherry.scheduler.storage.view import CLAIMS, CLASSES, CSI_NODES, VOLUMES, Listed, Storage

    kinds = (CLAIMS, VOLUMES, CLASSES, CSI_NODES)
    found = [(await session.client.list(resource))["items"] for resource in kinds]
    return Storage(*map(Listed, found))


def _lines(pod: Object, explanation: Explanation, most: int | None) -> Iterator[str]:
    name = pod["metadata"]["name"]
    if not explanation.nodes:
        yield f"Pod {name} has no node because the cluster has none."
    elif explanation.fitting:
        yield f"Pod {name} would fit on {_some(explanation.fitting, most)}."
        yield f"Its scheduler, {pod['spec'].get('schedulerName')}, does not run, looks at more than these rules, or is about to act."
    else:
        yield f"Pod {name} fits on none of {explanation.nodes} nodes:"
    yield from _rulings(explanation, most)
    if not explanation.fitting:
        yield from _plans(explanation)


def _rulings(explanation: Explanation, most: int | None) -> Iterator[str]:
    if not explanation.rulings:
        return
    rows = [(str(len(each.nodes)), each.reason, each.plugin, _some(each.nodes, most)) for each in explanation.rulings]
    table = [("NODES", "REASON", "RULE", "WHICH"), *rows]
    widths = [max(len(row[i]) for row in table) for i in range(3)]
    yield ""
    for row in table:
        yield "  ".join([*(cell.ljust(width) for cell, width in zip(row[:3], widths, strict=True)), row[3]])


def _plans(explanation: Explanation) -> Iterator[str]:
    yield ""
    if not explanation.plans and not explanation.new_node:
        yield "No simple change was found that would place it."
        return
    yield "It would be placed by any of these, the smallest first:"
    for plan in explanation.plans[:PLANS_SHOWN]:
        yield f"- {'; and '.join(change.text for change in plan.changes)} (then it fits on {plan.node})"
    if explanation.new_node:
        yield f"- add a node with {explanation.new_node}"


def _some(nodes: Sequence[str], most: int | None) -> str:
    if most is None or len(nodes) <= most:
        return ", ".join(nodes)
    return f"{', '.join(nodes[:most])} and {len(nodes) - most} more"
