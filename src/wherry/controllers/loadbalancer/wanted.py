"""What a Service asks of load balancers. Pure."""

from __future__ import annotations

from wherry.api.types import Object

CLASS = "wherry.dev/pool"
FINALIZER = "service.kubernetes.io/load-balancer-cleanup"


def is_ours(service: Object) -> bool:
    """A load balancer of no class, or of ours, that is not being deleted."""
    spec = service["spec"]
    return (
        spec.get("type") == "LoadBalancer"
        and spec.get("loadBalancerClass") in (None, "", CLASS)
        and not service["metadata"].get("deletionTimestamp")
    )


def has_finalizer(service: Object) -> bool:
    return FINALIZER in (service["metadata"].get("finalizers") or ())


def is_cared_for(service: Object) -> bool:
    """Whether it is, or was, ours: a class that is somebody else's keeps our hands off."""
    return has_finalizer(service) and service["spec"].get("loadBalancerClass") in (None, "", CLASS)


def address_of(service: Object) -> str:
    """The address that its status tells; empty for none."""
    ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    return next((each["ip"] for each in ingress if each.get("ip")), "")


def ingress(address: str) -> Object:
    """VIP: the dataplane of every node answers for it."""
    return {"ingress": [{"ip": address, "ipMode": "VIP"}]}
