"""Nodes, with the pods on them and what those have asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from wherry.api.errors import StatusError
from wherry.api.pod_resources import pod_limits, pod_requests
from wherry.api.tables.nodes import roles
from wherry.api.types import Object
from wherry.cli.describing.cluster import Cluster
from wherry.cli.describing.events import events
from wherry.cli.describing.metadata import labels_and_annotations
from wherry.cli.describing.words import UNSET, age, go, moment, or_none
from wherry.cli.describing.writer import Writer
from wherry.machinery.quantity import ZERO, Quantity, parse

_INFO = (
    ("Machine ID", "machineID"),
    ("System UUID", "systemUUID"),
    ("Boot ID", "bootID"),
    ("Kernel Version", "kernelVersion"),
    ("OS Image", "osImage"),
    ("Operating System", "operatingSystem"),
    ("Architecture", "architecture"),
    ("Container Runtime Version", "containerRuntimeVersion"),
    ("Kubelet Version", "kubeletVersion"),
    ("Kube-Proxy Version", "kubeProxyVersion"),
)
_STANDARD = ("cpu", "memory", "ephemeral-storage")

Amounts = dict[str, Quantity]


async def describe(out: Writer, node: Object, cluster: Cluster) -> None:
    metadata, spec, status = node["metadata"], node.get("spec") or {}, node.get("status") or {}
    out.field("Name", metadata["name"])
    out.field("Roles", or_none(",".join(roles(node))))
    labels_and_annotations(out, node)
    out.field("CreationTimestamp", moment(metadata.get("creationTimestamp")))
    out.several("Taints", map(_taint, sorted(spec.get("taints") or (), key=lambda one: (one["effect"], one["key"]))))
    out.field("Unschedulable", go(spec.get("unschedulable")))
    await _lease(out, metadata["name"], cluster)
    _conditions(out, status)
    _facts(out, spec, status)
    pods = await cluster.some(
        "pods",
        field_selector=f"spec.nodeName={metadata['name']},status.phase!=Failed,status.phase!=Succeeded",
    )
    allocatable = {
        name: parse(text) for name, text in (status.get("allocatable") or status.get("capacity") or {}).items()
    }
    _pods(out, pods, allocatable, cluster.now)
    _allocated(out, pods, allocatable)
    events(out, await _events(node, cluster), cluster.now)


def _taint(taint: Object) -> str:
    text = f"{taint['key']}={taint['value']}" if taint.get("value") else taint["key"]
    return f"{text}:{taint['effect']}" if taint.get("effect") else text


async def _lease(out: Writer, name: str, cluster: Cluster) -> None:
    try:
        lease = await cluster.client.get("leases.coordination.k8s.io", name, namespace="kube-node-lease")
    except StatusError as error:
        out.field("Lease", f"Failed to get lease: {error.message}")
        return
    spec = lease.get("spec") or {}
    out.line("Lease:")
    out.field("HolderIdentity", spec.get("holderIdentity") or UNSET, 1)
    for title, field in (("AcquireTime", "acquireTime"), ("RenewTime", "renewTime")):
        out.field(title, moment(spec[field]) if spec.get(field) else UNSET, 1)


def _conditions(out: Writer, status: Object) -> None:
    if not (found := status.get("conditions")):
        return
    out.line("Conditions:")
    out.line("Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage", 1)
    out.line("----\t------\t-----------------\t------------------\t------\t-------", 1)
    for one in found:
        times = [moment(one.get(field)) for field in ("lastHeartbeatTime", "lastTransitionTime")]
        first = " \t".join((one["type"], one.get("status", ""), *times))
        out.line(f"{first} \t{one.get('reason', '')} \t{one.get('message', '')}", 1)


def _facts(out: Writer, spec: Object, status: Object) -> None:
    out.line("Addresses:")
    out.fields(((one["type"], one["address"]) for one in status.get("addresses") or ()), 1)
    for title in ("Capacity", "Allocatable"):
        if amounts := status.get(title.lower()):
            out.line(f"{title}:")
            out.fields(sorted(amounts.items()), 1)
    info = status.get("nodeInfo") or {}
    out.line("System Info:")
    out.fields(((title, info.get(field, "")) for title, field in _INFO), 1)
    out.given("PodCIDR", spec.get("podCIDR"))
    out.given("PodCIDRs", ",".join(spec.get("podCIDRs") or ()))
    out.given("ProviderID", spec.get("providerID"))


def _pods(out: Writer, pods: Sequence[Object], allocatable: Mapping[str, Quantity], now: float) -> None:
    out.field("Non-terminated Pods", f"({len(pods)} in total)")
    out.line("Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge", 1)
    out.line("---------\t----\t\t------------\t----------\t---------------\t-------------\t---", 1)
    for pod in pods:
        requests, limits = pod_requests(pod["spec"]), pod_limits(pod["spec"])
        cells = [_share(amounts, name, allocatable) for name in ("cpu", "memory") for amounts in (requests, limits)]
        metadata = pod["metadata"]
        names = f"{metadata['namespace']}\t{metadata['name']}\t"
        out.line("\t".join((names, *cells, age(metadata.get("creationTimestamp"), now))), 1)


def _allocated(out: Writer, pods: Sequence[Object], allocatable: Mapping[str, Quantity]) -> None:
    requests, limits = _total(pods, pod_requests), _total(pods, pod_limits)
    out.line("Allocated resources:\n  (Total limits may be over 100 percent, i.e., overcommitted.)")
    out.line("Resource\tRequests\tLimits", 1)
    out.line("--------\t--------\t------", 1)
    for name in _STANDARD:
        out.line(f"{name}\t{_share(requests, name, allocatable)}\t{_share(limits, name, allocatable)}", 1)
    for name in sorted(allocatable):
        if name.startswith("hugepages-"):
            out.line(f"{name}\t{_share(requests, name, allocatable)}\t{_share(limits, name, allocatable)}", 1)
        elif name not in (*_STANDARD, "pods"):
            out.line(f"{name}\t{requests.get(name, ZERO)}\t{limits.get(name, ZERO)}", 1)


def _total(pods: Sequence[Object], of: Callable[[Object], Amounts]) -> Amounts:
    totals: Amounts = {}
    for pod in pods:
        for name, amount in of(pod["spec"]).items():
            totals[name] = totals.get(name, ZERO) + amount
    return totals


def _share(amounts: Mapping[str, Quantity], name: str, allocatable: Mapping[str, Quantity]) -> str:
    """`250m (12%)`: of what the node has."""
    amount, whole = amounts.get(name, ZERO), allocatable.get(name, ZERO)
    return f"{amount} ({amount.nanos * 100 // whole.nanos if whole else 0}%)"


async def _events(node: Object, cluster: Cluster) -> list[Object] | None:
    """Some of those who report about nodes put its name where its uid belongs."""
    by_name = {**node, "metadata": {**node["metadata"], "uid": node["metadata"]["name"]}}
    found = await cluster.events_of(by_name), await cluster.events_of(node)
    return None if None in found else [event for events in found for event in events or ()]
