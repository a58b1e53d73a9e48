"""Service account tokens for projected volumes, by TokenRequest (KEP-1205)."""

from __future__ import annotations

from wherry.api.errors import StatusError
from wherry.api.types import Object
from wherry.base.clock import Clock
from wherry.base.times import parse_rfc3339
from wherry.client.client import Client
from wherry.node.pod import spec
from wherry.node.volumes.context import Token, VolumeProblem


class TokenRequests:
    """Asks the API server for tokens that are bound to a pod."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    async def token(self, pod: Object, projection: Object) -> Token:
        """Raises `VolumeProblem`."""
        account = pod["spec"].get("serviceAccountName") or "default"
        audience = projection.get("audience")
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {
                "audiences": [audience] if audience else [],
                "expirationSeconds": int(projection.get("expirationSeconds") or 3600),
                "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": spec.name(pod), "uid": spec.uid(pod)},
            },
        }
        issued = self._clock.now()
        try:
            answer = await self._client.create(
                "serviceaccounts", request, namespace=spec.namespace(pod), name=account, subresource="token"
            )
        except (StatusError, ConnectionError, OSError) as error:
            raise VolumeProblem(f"failed to fetch token: {error}") from error
        status = answer["status"]
        return Token(status["token"], issued, parse_rfc3339(status["expirationTimestamp"]))
