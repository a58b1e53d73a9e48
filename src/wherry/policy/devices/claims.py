"""Reading pods and claims for devices."""

from __future__ import annotations

from collections.abc import Iterator

from wherry.api.types import Object

FINALIZER = "resource.kubernetes.io/delete-protection"
POD_CLAIM = "resource.kubernetes.io/pod-claim-name"
MAX_CONSUMERS = 256


def named(pod: Object) -> Iterator[tuple[str, str | None, bool]]:
    """A pod's claims: the name in the pod, the claim's (None: not made yet), and whether it is made for the pod.

    A pod for which no claim is needed says so with a status that names none; that entry is left out.
    """
    statuses = {s["name"]: s for s in (pod.get("status") or {}).get("resourceClaimStatuses") or ()}
    for each in pod["spec"].get("resourceClaims") or ():
        if (name := each.get("resourceClaimName")) is not None:
            yield each["name"], name, False
        elif (status := statuses.get(each["name"])) is None:
            yield each["name"], None, True
        elif status.get("resourceClaimName"):
            yield each["name"], status["resourceClaimName"], True


def is_made_for(claim: Object, pod: Object) -> bool:
    uid = pod["metadata"].get("uid")
    return any(r.get("controller") and r["uid"] == uid for r in claim["metadata"].get("ownerReferences") or ())


def allocation(claim: Object) -> Object | None:
    found: Object | None = (claim.get("status") or {}).get("allocation")
    return found


def reserved_for(claim: Object) -> list[Object]:
    return (claim.get("status") or {}).get("reservedFor") or []


def is_reserved_for(claim: Object, pod: Object) -> bool:
    uid = pod["metadata"].get("uid")
    return any(consumer["uid"] == uid for consumer in reserved_for(claim))


def reserved(claim: Object, pod: Object, given: Object | None = None) -> Object:
    """The claim with the pod among its users, and with its devices where they are given now."""
    metadata = pod["metadata"]
    status = dict(claim.get("status") or {})
    if not is_reserved_for(claim, pod):
        consumer = {"resource": "pods", "name": metadata["name"], "uid": metadata.get("uid")}
        status["reservedFor"] = [*reserved_for(claim), consumer]
    if given is not None:
        status["allocation"] = given
    return {**claim, "status": status}


def requests_of(claim: Object) -> list[Object]:
    return ((claim.get("spec") or {}).get("devices") or {}).get("requests") or []


def alternatives(request: Object) -> list[tuple[str, Object]]:
    """What would do for a request, the best first: how the result names it, and what it says."""
    if (exactly := request.get("exactly")) is not None:
        return [(request["name"], exactly)]
    return [(f"{request['name']}/{each['name']}", each) for each in request.get("firstAvailable") or ()]


def classes_of(claim: Object) -> Iterator[tuple[str, str]]:
    """Requests and the classes that they name."""
    for request in requests_of(claim):
        for name, asked in alternatives(request):
            yield name, asked["deviceClassName"]
