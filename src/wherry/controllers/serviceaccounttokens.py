"""Fills secrets of type `kubernetes.io/service-account-token` with a token, and removes them with their account.

Such a token does not expire; it is good as long as the secret holds it.
Source: pkg/controller/serviceaccount/tokens_controller.go, pkg/serviceaccount/legacy.go.
"""

from __future__ import annotations

import base64

from wherry.api.errors import Conflict, NotFound
from wherry.api.types import Object
from wherry.client.informer import Key
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop

TYPE = "kubernetes.io/service-account-token"
_ACCOUNT, _UID = "kubernetes.io/service-account.name", "kubernetes.io/service-account.uid"
_ISSUER, _CLAIMS = "kubernetes/serviceaccount", "kubernetes.io/serviceaccount/"


class ServiceAccountTokensController:
    """A component; see the module. Without a signer in the configuration it only removes."""

    name = "serviceaccount-token"

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._sign = context.config.sign_token
        self._ca = context.config.root_ca
        self._secrets = context.informers.informer("secrets", field_selector=f"type={TYPE}")
        self._accounts = context.informers.informer("serviceaccounts")
        self._secrets.add_index("account", _account_of)
        self.loop = Loop(
            self.name,
            self._reconcile,
            clock=context.clock,
            needs=(self._secrets, self._accounts),
            log=context.log,
            workers=context.config.workers_by_controller.get(self.name, context.config.workers),
        )
        self.loop.follow(self._secrets)
        self._accounts.add_handler(self._account_changed, None, self._account_changed)

    async def run(self) -> None:
        await self.loop.run()

    def _account_changed(self, account: Object) -> None:
        metadata = account["metadata"]
        for secret in self._secrets.by_index("account", f"{metadata['namespace']}/{metadata['name']}"):
            self.loop.enqueue(secret)

    async def _reconcile(self, key: Key) -> None:
        secret = self._secrets.get(*key)
        if secret is None or secret["metadata"].get("deletionTimestamp"):
            return
        annotations = secret["metadata"].get("annotations") or {}
        account = await self._account(key[0], annotations.get(_ACCOUNT) or "")
        uid = annotations.get(_UID)
        if account is None or (uid and uid != account["metadata"]["uid"]):
            await self._remove(secret)
        elif self._sign is not None:
            await self._fill(secret, account)

    async def _account(self, namespace: str, name: str) -> Object | None:
        """Asks the server before it believes that there is none: the secret may be seen before the account."""
        if not name:
            return None
        found = self._accounts.get(namespace, name)
        if found is not None:
            return found
        try:
            return await self._client.get("serviceaccounts", name, namespace=namespace)
        except NotFound:
            return None

    async def _remove(self, secret: Object) -> None:
        metadata = secret["metadata"]
        try:
            await self._client.delete("secrets", metadata["name"], namespace=metadata["namespace"], uid=metadata["uid"])
        except (NotFound, Conflict):
            return

    async def _fill(self, secret: Object, account: Object) -> None:
        metadata, data = secret["metadata"], dict(secret.get("data") or {})
        if self._ca:
            data["ca.crt"] = _encoded(self._ca)
        data["namespace"] = _encoded(metadata["namespace"])
        if not data.get("token"):
            data["token"] = _encoded(self._token(secret, account))
        annotations = {**(metadata.get("annotations") or {}), _UID: account["metadata"]["uid"]}
        if data == secret.get("data") and annotations == metadata.get("annotations"):
            return
        try:
            await self._client.update(
                "secrets", {**secret, "metadata": {**metadata, "annotations": annotations}, "data": data}
            )
        except NotFound:
            return

    def _token(self, secret: Object, account: Object) -> str:
        metadata = account["metadata"]
        namespace, name = metadata["namespace"], metadata["name"]
        claims = {
            "iss": _ISSUER,
            _CLAIMS + "namespace": namespace,
            _CLAIMS + "secret.name": secret["metadata"]["name"],
            _CLAIMS + "service-account.name": name,
            _CLAIMS + "service-account.uid": metadata["uid"],
            "sub": f"system:serviceaccount:{namespace}:{name}",
        }
        assert self._sign is not None
        return self._sign(claims)


def _account_of(secret: Object) -> list[str]:
    name = (secret["metadata"].get("annotations") or {}).get(_ACCOUNT)
    return [f"{secret['metadata']['namespace']}/{name}"] if name else []


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
