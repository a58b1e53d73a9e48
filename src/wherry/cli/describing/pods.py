"""Pods."""

from __future__ import annotations

from typing import Any

from wherry.api.types import Object
from wherry.cli.describing.cluster import Cluster
from wherry.cli.describing.containers import containers
from wherry.cli.describing.events import events
from wherry.cli.describing.metadata import labels_and_annotations, names, write_labels
from wherry.cli.describing.podspec import spread, tolerations
from wherry.cli.describing.volumes import volumes
from wherry.cli.describing.words import age, controller_of, moment
from wherry.cli.describing.writer import Writer


async def describe(out: Writer, pod: Object, cluster: Cluster) -> None:
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    names(out, pod)
    if spec.get("priority") is not None:
        out.field("Priority", spec["priority"])
    out.given("Priority Class Name", spec.get("priorityClassName"))
    out.given("Runtime Class Name", spec.get("runtimeClassName"))
    out.given("Service Account", spec.get("serviceAccountName"))
    out.field("Node", f"{spec['nodeName']}/{status.get('hostIP', '')}" if spec.get("nodeName") else "<none>")
    if status.get("startTime"):
        out.field("Start Time", moment(status["startTime"]))
    labels_and_annotations(out, pod)
    _phase(out, pod, cluster.now)
    _addresses(out, status)
    out.given("Controlled By", controller_of(pod))
    out.given("NominatedNodeName", status.get("nominatedNodeName"))
    _containers(out, pod)
    _conditions(out, spec, status)
    volumes(out, spec.get("volumes") or ())
    out.field("QoS Class", status.get("qosClass", ""))
    write_labels(out, "Node-Selectors", spec.get("nodeSelector"))
    tolerations(out, "Tolerations", spec.get("tolerations") or ())
    spread(out, spec.get("topologySpreadConstraints") or ())
    events(out, await cluster.events_of(pod), cluster.now)


def _phase(out: Writer, pod: Object, now: float) -> None:
    metadata, status = pod["metadata"], pod.get("status") or {}
    if metadata.get("deletionTimestamp") and status.get("phase") not in ("Failed", "Succeeded"):
        out.field("Status", f"Terminating (lasts {age(metadata['deletionTimestamp'], now)})")
        out.field("Termination Grace Period", f"{metadata.get('deletionGracePeriodSeconds', 0)}s")
    else:
        out.field("Status", status.get("phase", ""))
    out.given("Reason", status.get("reason"))
    out.given("Message", status.get("message"))
    if profile := ((pod.get("spec") or {}).get("securityContext") or {}).get("seccompProfile"):
        out.field("SeccompProfile", profile.get("type", ""))
        out.given("LocalhostProfile", profile.get("localhostProfile"))


def _addresses(out: Writer, status: Object) -> None:
    out.field("IP", status.get("podIP", ""))
    found = status.get("podIPs") or ()
    out.line("IPs:" if found else "IPs:\t<none>")
    for one in found:
        out.field("IP", one.get("ip", ""), 1)


def _containers(out: Writer, pod: Object) -> None:
    spec, status = pod.get("spec") or {}, pod.get("status") or {}

    def resolve(container: Object, variable: Object) -> str:
        return _value(pod, container, variable["valueFrom"])

    kinds = (("Init Containers", "init"), ("Containers", ""), ("Ephemeral Containers", "ephemeral"))
    for title, kind in kinds:
        found = spec.get(f"{kind}Containers" if kind else "containers") or ()
        statuses = status.get(f"{kind}ContainerStatuses" if kind else "containerStatuses") or ()
        if found or not kind:
            containers(out, title, found, statuses, resolve=resolve)


def _conditions(out: Writer, spec: Object, status: Object) -> None:
    conditions = status.get("conditions") or ()
    if gates := spec.get("readinessGates"):
        values = {condition["type"]: condition.get("status", "") for condition in conditions}
        out.line("Readiness Gates:")
        out.line("Type\tStatus", 1)
        for gate in gates:
            out.line(f"{gate['conditionType']} \t{values.get(gate['conditionType'], '<none>')} ", 1)
    if conditions:
        out.line("Conditions:")
        out.line("Type\tStatus", 1)
        for condition in conditions:
            out.line(f"{condition['type']} \t{condition.get('status', '')} ", 1)


def _value(pod: Object, container: Object, source: Object) -> str:
    """What a variable's source stands for, where the pod itself says it."""
    if (field := source.get("fieldRef")) is not None:
        return _field(pod["metadata"], field["fieldPath"])
    if (wanted := source.get("resourceFieldRef")) is not None:
        return _amount(container, wanted)
    return ""


def _field(metadata: Object, path: str) -> str:
    """Only names: kubectl shows no more, and the node knows the rest."""
    if path in ("metadata.name", "metadata.namespace", "metadata.uid"):
        return str(metadata.get(path.removeprefix("metadata."), ""))
    return ""


def _amount(container: Object, wanted: Object) -> str:
    from wherry.machinery.quantity import QuantityError, parse_milli

    kind, _, name = wanted["resource"].partition(".")
    text: Any = ((container.get("resources") or {}).get(kind) or {}).get(name, "0")
    try:
        divisor = parse_milli(str(wanted.get("divisor") or "0")) or 1000
        return str(-(-parse_milli(str(text)) // divisor))
    except QuantityError:
        return ""
