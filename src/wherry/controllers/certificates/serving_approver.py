"""Approves the serving certificates of the cluster's own nodes: each may have one for the addresses that it has told.

Upstream approves none of them by itself and leaves it to an approver that knows the machines; this is ours. A request is
left alone, for somebody else to decide, when its author is not the node it is for, or when it asks for more names or
addresses than the Node object has. Source: "TLS bootstrapping" in the Kubernetes documentation (certificate rotation).
"""

from __future__ import annotations

from wherry.api.errors import NotFound
from wherry.api.types import Object
from wherry.client.informer import Key
from wherry.controllers.certificates.requests import RESOURCE, has_certificate, is_decided, with_condition
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop, Permanent
from wherry.policy.certificate_requests import (
    KUBELET_SERVING,
    Asked,
    RequestError,
    check_signable,
    read_request,
)

_NODE_NAME = "system:node:"
_NODES = "system:nodes"


class ServingApprover:
    """A component; see the module."""

    name = "kubelet-serving-approving-controller"

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._clock = context.clock
        self._requests = context.informers.informer(RESOURCE)
        self.loop = Loop(
            self.name, self._reconcile, clock=context.clock, needs=(self._requests,), log=context.log, workers=1
        )
        self.loop.follow(self._requests)

    async def run(self) -> None:
        await self.loop.run()

    async def _reconcile(self, key: Key) -> None:
        request = self._requests.get(*key)
        if request is None or has_certificate(request) or is_decided(request):
            return
        spec = request["spec"]
        if spec.get("signerName") != KUBELET_SERVING or not _is_node(spec):
            return
        try:
            asked = read_request(request)
            check_signable(KUBELET_SERVING, asked, spec.get("usages") or ())
        except RequestError as error:
            raise Permanent(f"csr {key[1]}: {error}") from error
        if asked.common_name == spec["username"] and covers(await self._node(asked.common_name), asked):
            message = "Auto approving kubelet serving certificate of a node for its own names and addresses."
            approved = with_condition(
                request, "Approved", reason="AutoApproved", message=message, now=self._clock.now()
            )
            await self._client.update(RESOURCE, approved, subresource="approval")

    async def _node(self, user: str) -> Object:
        try:
            return await self._client.get("nodes", user.removeprefix(_NODE_NAME))
        except NotFound:
            return {}


def _is_node(spec: Object) -> bool:
    return str(spec.get("username") or "").startswith(_NODE_NAME) and _NODES in (spec.get("groups") or ())


def covers(node: Object, asked: Asked) -> bool:
    """Whether everything that is asked for is an address of the node, or its name."""
    if not node:
        return False
    told = {each["address"] for each in (node.get("status") or {}).get("addresses") or ()}
    return set(asked.addresses) <= told and set(asked.dns_names) <= told | {node["metadata"]["name"]}
