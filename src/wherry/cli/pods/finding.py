"""The pod that an argument means: itself, or one of those that a workload or a Service selects.

Source: kubectl's pkg/polymorphichelpers; the order of pods is `podutils.ByLogging` and `podutils.ActivePods`.
"""

from __future__ import annotations

from typing import Any

from wherry.api.types import Object
from wherry.cli.errors import Refused
from wherry.cli.objects.arguments import resolve
from wherry.cli.objects.requests import Reading, objects
from wherry.cli.objects.wanted import Wanted
from wherry.cli.target import Session

_POLL_SECONDS = 0.3


async def parse(session: Session, argument: str) -> Wanted:
    """`NAME` is a pod, else `TYPE/NAME`. Raises `Refused`."""
    kind, slash, name = argument.rpartition("/")
    if slash and (not kind or not name or "/" in kind):
        raise Refused("arguments in resource/name form must have a single resource and name")
    resource = await resolve(session.discovery, kind or "pods")
    return Wanted(resource, session.namespace if resource.namespaced else None, name)


async def read(session: Session, wanted: Wanted) -> Object:
    return await session.client.get(wanted.resource, wanted.name, namespace=wanted.namespace)


def selector_of(wanted: Wanted, obj: Object) -> str:
    """The label selector by which an object finds its pods, as text. Raises `Refused`."""
    from wherry.machinery.selectors import from_labels, from_object

    selector: Any = (obj.get("spec") or {}).get("selector")
    if wanted.resource.kind in ("Service", "ReplicationController"):
        if not selector:
            raise Refused(f"invalid service '{wanted.name}': Service is defined without a selector")
        return str(from_labels(selector))
    if not isinstance(selector, dict):
        raise Refused(f"cannot find the pods of {wanted.title}: it has no selector")
    return str(from_object(selector))


async def pods_of(session: Session, wanted: Wanted, *, timeout: float = 20.0) -> list[Object]:
    """The pod itself, or the pods of a workload, best first; waits until there is one. Raises `Refused`."""
    obj = await read(session, wanted)
    if wanted.resource.qualified == "pods":
        return [obj]
    selector = selector_of(wanted, obj)
    pods = await session.discovery.resolve("pods")
    clock = session.client.clock
    deadline = clock.monotonic() + timeout
    while True:
        found = await objects(session.client, Wanted(pods, wanted.namespace), Reading(label_selector=selector))
        if found:
            return sorted(found, key=preference)
        if clock.monotonic() >= deadline:
            raise Refused("timed out waiting for the condition")
        await clock.sleep(_POLL_SECONDS)


def preference(pod: Object) -> tuple[Any, ...]:
    """Sorts scheduled before not, running before pending before unknown, ready before not, older before newer."""
    status = pod.get("status") or {}
    phases = {"Running": 0, "Pending": 2, "Unknown": 1}
    statuses = status.get("containerStatuses") or ()
    return (
        not (pod.get("spec") or {}).get("nodeName"),
        phases.get(status.get("phase", ""), 3),
        not is_ready(pod),
        max((one.get("restartCount") or 0 for one in statuses), default=0),
        pod["metadata"].get("creationTimestamp") or "",
    )


def is_ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)
