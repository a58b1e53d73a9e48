"""Approves the client certificates of nodes: of a node that renews its own, and of a machine that joins and may.

Source: pkg/controller/certificates/approver/sarapprove.go.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wherry.api.types import Object
from wherry.client.informer import Key
from wherry.controllers.certificates.requests import RESOURCE, has_certificate, is_decided, with_condition
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop, Permanent
from wherry.policy.certificate_requests import (
    KUBELET_CLIENT,
    Asked,
    RequestError,
    is_kubelet_client,
    read_request,
)


@dataclass(frozen=True, slots=True)
class _Way:
    """A kind of request, and the permission (a subresource that may be created) that its author needs."""

    permission: str
    message: str
    recognizes: Callable[[Object, Asked], bool]


def _is_own(spec: Object, asked: Asked) -> bool:
    return spec.get("username") == asked.common_name


_WAYS = (
    _Way("selfnodeclient", "Auto approving self kubelet client certificate after SubjectAccessReview.", _is_own),
    _Way(
        "nodeclient",
        "Auto approving kubelet client certificate after SubjectAccessReview.",
        lambda spec, asked: True,
    ),
)


class CertificateApprover:
    """A component; see the module."""

    name = "csrapproving"

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
        if spec.get("signerName") != KUBELET_CLIENT:
            return
        try:
            asked = read_request(request)
        except RequestError as error:
            raise Permanent(f"unable to parse csr {key[1]}: {error}") from error
        if not is_kubelet_client(asked, spec.get("usages") or ()):
            return
        for way in _WAYS:
            if way.recognizes(spec, asked) and await self._may(spec, way.permission):
                await self._approve(request, way.message)
                return

    async def _may(self, spec: Object, permission: str) -> bool:
        attributes = {
            "group": "certificates.k8s.io",
            "resource": RESOURCE,
            "verb": "create",
            "subresource": permission,
        }
        who = {"user": spec.get("username") or "", "uid": spec.get("uid") or "", "groups": spec.get("groups") or []}
        review = {"spec": {**who, "extra": spec.get("extra") or {}, "resourceAttributes": attributes}}
        answer = await self._client.create("subjectaccessreviews.authorization.k8s.io", review)
        return bool(answer["status"].get("allowed"))

    async def _approve(self, request: Object, message: str) -> None:
        now = self._clock.now()
        approved = with_condition(request, "Approved", reason="AutoApproved", message=message, now=now)
        await self._client.update(RESOURCE, approved, subresource="approval")
