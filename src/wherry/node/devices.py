"""Devices of claims: no driver can register with this node, so that a pod with devices waits and says for whom.

The claim's result names the driver; a pod whose claims gave it no devices (or needs none) starts. Source: the kubelet's
pkg/kubelet/cm/dra.
"""

from __future__ import annotations

from wherry.api.errors import StatusError
from wherry.api.types import Object
from wherry.client.client import Client
from wherry.policy.devices import claims as facts

_START = "Failed to prepare dynamic resources: prepare dynamic resources: "


async def missing_driver(client: Client, pod: Object) -> str | None:
    """What to say of a pod whose devices nobody can prepare; None where there are none."""
    for pod_claim, name, _ in facts.named(pod):
        if name is None:
            return f'{_START}claim "{pod_claim}": ResourceClaim not created yet'
        try:
            claim = await client.get("resourceclaims.resource.k8s.io", name, namespace=pod["metadata"]["namespace"])
        except (StatusError, ConnectionError, OSError) as error:
            return f"{_START}fetch ResourceClaim {name}: {error}"
        found = facts.allocation(claim)
        if found is None:
            return f"{_START}ResourceClaim {name} is not allocated"
        for result in (found.get("devices") or {}).get("results") or ():
            return f"{_START}DRA driver {result['driver']} is not registered"
    return None
