"""Removes certificate requests that nobody needs any more. Source: pkg/controller/certificates/cleaner/cleaner.go."""

from __future__ import annotations

import base64
import binascii

from wherry.api.errors import Conflict, NotFound
from wherry.api.types import Object
from wherry.base.times import parse_rfc3339
from wherry.client.informer import Key
from wherry.controllers.certificates.requests import RESOURCE, condition, has_certificate
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop, Retry

_HOUR = 3600.0
_PENDING_SECONDS = 24 * _HOUR
_DECIDED_SECONDS = {"Approved": _HOUR, "Denied": _HOUR, "Failed": _HOUR}


class CertificateCleaner:
    """A component; see the module. It waits for the moment at which each request is over."""

    name = "csrcleaner"

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
        if request is None:
            return
        left = over_at(request) - self._clock.now()
        if left > 0:
            raise Retry(left)
        try:
            await self._client.delete(RESOURCE, key[1], uid=request["metadata"]["uid"])
        except (NotFound, Conflict):
            return


def over_at(request: Object) -> float:
    """When a request is to go: an hour after its decision, a day after it was made without one, or with its certificate."""
    times = [
        parse_rfc3339(found.get("lastUpdateTime") or request["metadata"]["creationTimestamp"]) + seconds
        for type, seconds in _DECIDED_SECONDS.items()
        if (found := condition(request, type)) is not None
    ]
    if not times:
        times.append(parse_rfc3339(request["metadata"]["creationTimestamp"]) + _PENDING_SECONDS)
    if has_certificate(request) and (expires := _expiry(request["status"]["certificate"])) is not None:
        times.append(expires)
    return min(times)


def _expiry(certificate: str) -> float | None:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(base64.b64decode(certificate)).not_valid_after_utc.timestamp()
    except (ValueError, binascii.Error):
        return None
