"""Signs `cluster-info` in kube-public with every bootstrap token that may, so that who holds one can trust the CA in it.

The signature is a JSON Web Signature (HS256) without its payload, which is the kubeconfig beside it.
Source: pkg/controller/bootstrap/bootstrapsigner.go, cluster-bootstrap/token/jws; RFC 7515 appendix F.
"""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode

from wherry.client.informer import Key
from wherry.controllers.bootstrap.tokens import NAMESPACE, TYPE, signing_key
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop

_NAME, _WHERE = "cluster-info", "kube-public"
_PREFIX = "jws-kubeconfig-"


class BootstrapSigner:
    """A component; see the module."""

    name = "bootstrap-signer"

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._clock = context.clock
        self._secrets = context.informers.informer("secrets", namespace=NAMESPACE, field_selector=f"type={TYPE}")
        self._maps = context.informers.informer("configmaps", namespace=_WHERE, field_selector=f"metadata.name={_NAME}")
        self.loop = Loop(
            self.name,
            self._reconcile,
            clock=context.clock,
            needs=(self._secrets, self._maps),
            log=context.log,
            workers=1,
        )
        self.loop.follow(self._maps)
        self._secrets.add_handler(self._again, lambda old, new: self._again(new), self._again)

    async def run(self) -> None:
        await self.loop.run()

    def _again(self, secret: object) -> None:
        self.loop.queue.add((_WHERE, _NAME))

    async def _reconcile(self, key: Key) -> None:
        found = self._maps.get(*key)
        text = ((found or {}).get("data") or {}).get("kubeconfig")
        if found is None or not text:
            return
        now = self._clock.now()
        keys = [found_key for secret in self._secrets.items() if (found_key := signing_key(secret, now)) is not None]
        signatures = {_PREFIX + token_id: detached(text.encode(), token_id, secret) for token_id, secret in keys}
        data = {name: value for name, value in found["data"].items() if not name.startswith(_PREFIX)} | signatures
        if data != found["data"]:
            await self._client.update("configmaps", {**found, "data": data})


def detached(content: bytes, token_id: str, secret: bytes) -> str:
    """The signature of the content, which itself is left out."""
    header = _encoded(json.dumps({"alg": "HS256", "kid": token_id}, separators=(",", ":")).encode())
    signature = hmac.digest(secret, f"{header}.{_encoded(content)}".encode(), "sha256")
    return f"{header}..{_encoded(signature)}"


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
