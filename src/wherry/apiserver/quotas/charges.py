"""Which writes are charged: everything that is created in a namespace with quotas, and what may grow when it changes.

Source: pkg/quota/v1/evaluator (`Handles`), pkg/quota/v1/install (ignored resources).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from wherry.api.errors import conflict
from wherry.api.types import Object
from wherry.apiserver.admission.attributes import Attributes, forbidden
from wherry.apiserver.call import Call
from wherry.apiserver.registry import Served
from wherry.policy.quota.charging import Charge, Refused

_IGNORED = frozenset({"events", "events.events.k8s.io"})
_GROWING = frozenset(
    {
        ("pods", "resize"),
        ("services", ""),
        ("services", "status"),
        ("persistentvolumeclaims", ""),
        ("persistentvolumeclaims", "status"),
    }
)


def charge_of_create(call: Call, served: Served, obj: Object) -> Charge | None:
    """None where no quota is concerned: without quotas that is one look-up."""
    if not served.namespaced:
        return None
    quotas = call.parts.quotas.quotas(obj["metadata"].get("namespace") or "")
    if not quotas or served.qualified in _IGNORED:
        return None
    charge = Charge(served.qualified, obj, None, call.parts.clock.now())
    return charge if any(quota.interesting(charge.resource, obj) for quota in quotas) else None


def charge_of_change(call: Call, served: Served, new: Object, old: Object) -> Charge | None:
    """None where the object does not grow."""
    if (served.qualified, call.info.subresource) not in _GROWING:
        return None
    quotas = call.parts.quotas.quotas(new["metadata"].get("namespace") or "")
    charge = Charge(served.qualified, new, old, call.parts.clock.now())
    return charge if any(charge.delta(quota) for quota in quotas) else None


@asynccontextmanager
async def charged(call: Call, served: Served, charge: Charge, *, dry_run: bool) -> AsyncIterator[None]:
    """Charged while the caller writes, and on if that works. Raises `Forbidden`."""
    metadata = charge.obj["metadata"]
    try:
        async with call.parts.quotas.reserved(metadata["namespace"], charge, dry_run=dry_run):
            yield
    except Refused as refusal:
        raise forbidden(served, metadata.get("name") or "", str(refusal)) from refusal


def on_update_status(attributes: Attributes) -> None:
    """What is used cannot be counted while something is charged that is not stored yet. Raises `Conflict`."""
    if attributes.parts.quotas.in_flight(attributes.namespace):
        why = "objects are being created in its namespace; please count again"
        raise conflict("", "resourcequotas", attributes.name, why)
