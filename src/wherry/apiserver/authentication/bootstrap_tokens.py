"""Bootstrap tokens: `abcdef.0123456789abcdef`, kept as secrets in kube-system, with which machines join a cluster.

Source: "Authenticating with Bootstrap Tokens" in the Kubernetes documentation; plugin/pkg/auth/authenticator/token/bootstrap.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re

from wherry.api.types import Object
from wherry.apiserver.authentication.jwt import TokenError
from wherry.apiserver.objects import decoded
from wherry.apiserver.registry import storage_prefix
from wherry.base.clock import Clock
from wherry.base.times import parse_rfc3339
from wherry.policy.user import AUTHENTICATED, User
from wherry.store.port import Store

TYPE = "bootstrap.kubernetes.io/token"
_TOKEN = re.compile(r"([a-z0-9]{6})\.([a-z0-9]{16})")
_SECRETS = storage_prefix("", "secrets") + "kube-system/bootstrap-token-"
_GROUP = "system:bootstrappers"
_GROUPS = re.compile(r"system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]")


class BootstrapTokens:
    """Reads the secret at every use, so that one that is deleted or expires is refused from then on."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def user_of(self, token: str) -> User | None:
        """None for what is no such token. Raises `TokenError` for one that is not (any more) good."""
        found = _TOKEN.fullmatch(token)
        if found is None:
            return None
        entry = self._store.get(_SECRETS + found[1])
        if entry is None:
            raise TokenError("there is no such bootstrap token")
        secret = decoded(entry)
        if secret.get("type") != TYPE or secret["metadata"].get("deletionTimestamp"):
            raise TokenError("the secret is no bootstrap token, or is on its way out")
        return self._checked(secret, found[1], found[2])

    def _checked(self, secret: Object, token_id: str, token_secret: str) -> User:
        data = {key: _text(value) for key, value in (secret.get("data") or {}).items()}
        if not hmac.compare_digest(data.get("token-secret", "").encode(), token_secret.encode()):
            raise TokenError("the bootstrap token is wrong")
        if data.get("token-id") != token_id:
            raise TokenError("the bootstrap token's secret has another id")
        if self._is_expired(data.get("expiration", "")):
            raise TokenError("the bootstrap token has expired")
        if data.get("usage-bootstrap-authentication") != "true":
            raise TokenError("the bootstrap token is not for authentication")
        return User(f"system:bootstrap:{token_id}", (*_groups(data.get("auth-extra-groups", "")), AUTHENTICATED))

    def _is_expired(self, expiration: str) -> bool:
        if not expiration:
            return False
        try:
            return self._clock.now() > parse_rfc3339(expiration)
        except ValueError:
            # What cannot be read counts as over: better refused than valid for ever.
            return True


def _text(value: str) -> str:
    try:
        return base64.b64decode(value).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _groups(extra: str) -> list[str]:
    """Sorted, as upstream's set gives them. Raises `TokenError`."""
    found = {_GROUP}
    for group in extra.split(","):
        name = group.strip()
        if name and not _GROUPS.fullmatch(name):
            raise TokenError(f"the bootstrap token names a group that it may not: {name}")
        found |= {name} - {""}
    return sorted(found)
