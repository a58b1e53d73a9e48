"""Service account tokens: issued for an audience and a time, bound to objects, gone with them.

Tokens that a controller wrote into secrets (`kubernetes.io/service-account-token`) do not expire; they live as long as the
secret holds them.
Source: pkg/serviceaccount/claims.go and legacy.go, KEP-1205 (bound tokens), KEP-4193 (node binding and token ids).
"""

from __future__ import annotations

import uuid
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wherry.api.types import Object
from wherry.apiserver.authentication.jwt import SigningKey, TokenError, unverified_claims
from wherry.apiserver.objects import decoded
from wherry.apiserver.registry import storage_prefix
from wherry.base.clock import Clock
from wherry.base.times import parse_rfc3339
from wherry.policy.user import AUTHENTICATED, User
from wherry.store.port import Store

DEFAULT_ISSUER = "https://kubernetes.default.svc.cluster.local"
_BOUND = {"pod": ("pods", True), "secret": ("secrets", True), "node": ("nodes", False)}
_LEGACY_ISSUER = "kubernetes/serviceaccount"
_LEGACY = "kubernetes.io/serviceaccount/"
_LEEWAY_SECONDS = 60
"""How long a token outlives its time and a bound object its deletion, as upstream lets it."""
_NEVER = float("inf")
_KEPT_TOKENS = 4096


@dataclass(frozen=True, slots=True)
class Binding:
    """The object that a token lives with: its kind in the claims (`pod`, `secret`, `node`), name and uid."""

    kind: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Verified:
    """A token that was checked: who it stands for and until when, in seconds since 1970."""

    user: User
    expires: float
    keys: tuple[tuple[str, str], ...]
    """The storage keys, with the uids, of the objects that must still exist."""
    audiences: tuple[str, ...]
    legacy_token: str = ""
    """For a token kept in a secret: the secret (the first of the keys) must still hold it."""


def audience_list(claims: Mapping[str, object]) -> tuple[str, ...]:
    audience = claims.get("aud")
    if isinstance(audience, str):
        return (audience,)
    return tuple(str(each) for each in audience) if isinstance(audience, list) else ()


class ServiceAccountTokens:
    """Issues and verifies the tokens of one cluster."""

    def __init__(self, *, key: SigningKey, issuer: str, audiences: Sequence[str], store: Store, clock: Clock) -> None:
        self.key = key
        self.issuer = issuer
        self.audiences = tuple(audiences)
        """What the API server itself answers to."""
        self._store = store
        self._clock = clock
        self._known: dict[str, Verified] = {}

    def issue(
        self,
        account: Object,
        *,
        audiences: Sequence[str],
        seconds: int,
        bindings: Sequence[Binding] = (),
        warn_after_seconds: int = 0,
    ) -> str:
        """Sign a token for a service account."""
        metadata, now = account["metadata"], int(self._clock.now())
        namespace, name = metadata["namespace"], metadata["name"]
        private: Object = {"namespace": namespace}
        for binding in bindings:
            private[binding.kind] = {"name": binding.name, "uid": binding.uid}
        private["serviceaccount"] = {"name": name, "uid": metadata["uid"]}
        if warn_after_seconds:
            private["warnafter"] = now + warn_after_seconds
        claims = {
            "aud": list(audiences or self.audiences),
            "exp": now + seconds,
            "iat": now,
            "iss": self.issuer,
            "jti": str(uuid.uuid4()),
            "kubernetes.io": private,
            "nbf": now,
            "sub": f"system:serviceaccount:{namespace}:{name}",
        }
        return self.key.sign(claims)

    def concerns(self, token: str) -> bool:
        """Whether it says to be one of ours; not whether it is true."""
        if token in self._known:
            return True
        try:
            return unverified_claims(token).get("iss") in (self.issuer, _LEGACY_ISSUER)
        except TokenError:
            return False

    def verify(self, token: str) -> Verified:
        """Check signature, time and bound objects, whatever the audience. Raises `TokenError`."""
        verified = self._known.get(token)
        if verified is None:
            verified = self._verified(token)
            if len(self._known) >= _KEPT_TOKENS:
                self._known.clear()
            self._known[token] = verified
        if self._clock.now() > verified.expires + _LEEWAY_SECONDS:
            raise TokenError("the token has expired")
        for key, uid in verified.keys:
            self._check_exists(key, uid)
        if verified.legacy_token:
            self._check_kept(verified.keys[0][0], verified.legacy_token)
        return verified

    def _check_exists(self, key: str, uid: str) -> None:
        entry = self._store.get(key)
        metadata = decoded(entry)["metadata"] if entry is not None else {}
        if entry is None or (uid and metadata["uid"] != uid):
            raise TokenError("an object that the token is bound to is gone")
        deleted = metadata.get("deletionTimestamp")
        if deleted and parse_rfc3339(deleted) < self._clock.now() - _LEEWAY_SECONDS:
            raise TokenError("an object that the token is bound to was deleted")

    def _check_kept(self, key: str, token: str) -> None:
        entry = self._store.get(key)
        data = (decoded(entry).get("data") or {}) if entry is not None else {}
        if data.get("token") != b64encode(token.encode()).decode():
            raise TokenError("the secret holds another token")

    def _verified(self, token: str) -> Verified:
        claims = self.key.verify(token)
        try:
            if claims.get("iss") == _LEGACY_ISSUER:
                return self._from_legacy_claims(claims, token)
            if claims.get("iss") != self.issuer:
                raise TokenError("the token is of another issuer")
            if self._clock.now() + _LEEWAY_SECONDS < claims.get("nbf", 0):
                raise TokenError("the token is not valid yet")
            return self._from_claims(claims)
        except (KeyError, TypeError, ValueError) as error:
            raise TokenError("the claims are incomplete") from error

    def _from_claims(self, claims: Object) -> Verified:
        private = claims["kubernetes.io"]
        namespace, account = private["namespace"], private["serviceaccount"]
        keys = [(storage_prefix("", "serviceaccounts") + f"{namespace}/{account['name']}", account["uid"])]
        extra: dict[str, tuple[str, ...]] = {}
        for kind, (plural, namespaced) in _BOUND.items():
            bound = private.get(kind)
            if not bound:
                continue
            # A node beside a pod only informs; the token lives with the pod.
            if not (kind == "node" and "pod" in private):
                where = f"{namespace}/{bound['name']}" if namespaced else bound["name"]
                keys.append((storage_prefix("", plural) + where, bound["uid"]))
            if kind != "secret":
                extra[f"authentication.kubernetes.io/{kind}-name"] = (bound["name"],)
                extra[f"authentication.kubernetes.io/{kind}-uid"] = (bound["uid"],)
        if token_id := claims.get("jti"):
            extra["authentication.kubernetes.io/credential-id"] = (f"JTI={token_id}",)
        user = service_account_user(namespace, account["name"], account["uid"], extra)
        return Verified(user, float(claims["exp"]), tuple(keys), audience_list(claims))

    def _from_legacy_claims(self, claims: Object, token: str) -> Verified:
        namespace, name, uid, secret = (
            claims[_LEGACY + field]
            for field in ("namespace", "service-account.name", "service-account.uid", "secret.name")
        )
        keys = (
            (f"{storage_prefix('', 'secrets')}{namespace}/{secret}", ""),
            (f"{storage_prefix('', 'serviceaccounts')}{namespace}/{name}", uid),
        )
        return Verified(service_account_user(namespace, name, uid), _NEVER, keys, self.audiences, token)


def service_account_user(
    namespace: str, name: str, uid: str = "", extra: Mapping[str, tuple[str, ...]] | None = None
) -> User:
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", AUTHENTICATED)
    return User(f"system:serviceaccount:{namespace}:{name}", groups, uid, extra or {})
