"""Tokens of other issuers (OpenID Connect): found by their `iss`, verified with the keys that the issuer publishes.

Keys are fetched when a token first needs them, again when one names a key that is not known, and again after an hour; who
waits for the same keys waits together. An issuer that cannot be reached refuses its own tokens and nobody else's.
Source: OpenID Connect Discovery 1.0, RFC 7517; k8s.io/apiserver/plugin/pkg/authenticator/token/oidc.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

from wherry.apiserver.authentication.claims import ClaimsReader
from wherry.apiserver.authentication.issuer_config import IssuerConfig
from wherry.apiserver.authentication.jose import PublicKey, Token, key_set, parse_token, verify
from wherry.apiserver.authentication.jwt import TokenError
from wherry.apiserver.outgoing import Endpoint, NoAnswer, endpoint_of_url
from wherry.apiserver.tokens import audience_list
from wherry.base.clock import Clock
from wherry.policy.user import User
from wherry.wire.client import HttpClient

_KEYS_SECONDS = 3600.0
_AGAIN_SECONDS = 10.0
"""Tokens with made-up key ids must not make us ask without end."""
_LEEWAY_SECONDS = 300.0
"""For `nbf`, as the clocks of issuers go."""
_KEPT_TOKENS = 4096


class KeySource:
    """The published keys of one issuer."""

    def __init__(self, config: IssuerConfig, *, http: HttpClient, clock: Clock) -> None:
        self._config = config
        self._http = http
        self._clock = clock
        self._discovery = self._endpoint(config.discovery_url or f"{config.url.rstrip('/')}{_WELL_KNOWN}")
        self._keys: tuple[PublicKey, ...] = ()
        self._asked_at: float | None = None
        self._asking: asyncio.Future[None] | None = None

    def _endpoint(self, url: str) -> Endpoint:
        return endpoint_of_url(url, ca=self._config.certificate_authority)

    async def keys_for(self, token: Token) -> Sequence[PublicKey]:
        """Keys among which the token's must be. Raises `TokenError` where there are none yet."""
        known = any(key.key_id == token.key_id for key in self._keys) if token.key_id else bool(self._keys)
        if self._is_due(known=known):
            await self._asked()
        return self._keys

    def _is_due(self, *, known: bool) -> bool:
        if self._asked_at is None or not self._keys:
            return True
        age = self._clock.monotonic() - self._asked_at
        return age >= (_KEYS_SECONDS if known else _AGAIN_SECONDS)

    async def _asked(self) -> None:
        if self._asking is None:
            self._asking = asyncio.ensure_future(self._fetch())
            self._asking.add_done_callback(self._done)
        try:
            await asyncio.shield(self._asking)
        except NoAnswer as error:
            if not self._keys:
                raise TokenError(f"the keys of the issuer are not known: {error}") from error

    def _done(self, future: asyncio.Future[None]) -> None:
        self._asking = None
        if not future.cancelled():
            future.exception()

    async def _fetch(self) -> None:
        """Raises `NoAnswer`."""
        document = await self._discovery.get(self._http)
        if not isinstance(document, dict) or document.get("issuer") != self._config.url:
            raise NoAnswer(f"the discovery document is not of the issuer {self._config.url}")
        where = document.get("jwks_uri")
        if not isinstance(where, str):
            raise NoAnswer("the discovery document names no jwks_uri")
        try:
            self._keys = key_set(await self._endpoint(where).get(self._http))
        except (TokenError, ValueError) as error:
            raise NoAnswer(str(error)) from error
        self._asked_at = self._clock.monotonic()


_WELL_KNOWN = "/.well-known/openid-configuration"


class Issuer:
    """One issuer: its keys and its rules. Raises `ConfigurationError`."""

    def __init__(self, config: IssuerConfig, *, path: str, http: HttpClient, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._keys = KeySource(config, http=http, clock=clock)
        self._reader = ClaimsReader(config, path=path)

    async def verified(self, token: Token) -> Accepted:
        """Raises `TokenError`."""
        keys = await self._keys.keys_for(token)
        if not verify(token, keys):
            raise TokenError("no key of the issuer has signed the token")
        audiences = tuple(each for each in self._config.audiences if each in audience_list(token.claims))
        if not audiences:
            raise TokenError("the token is for another audience")
        expires = self._check_times(token)
        return Accepted(self._reader.user_of(token.claims), expires)

    def _check_times(self, token: Token) -> float:
        expires, begins, now = token.claims.get("exp"), token.claims.get("nbf"), self._clock.now()
        if not isinstance(expires, int | float) or isinstance(expires, bool):
            raise TokenError("the token does not say when it expires")
        if now >= expires:
            raise TokenError("the token has expired")
        if isinstance(begins, int | float) and now + _LEEWAY_SECONDS < begins:
            raise TokenError("the token is not valid yet")
        return float(expires)


@dataclass(frozen=True, slots=True)
class Accepted:
    """Who a token stands for, until when (seconds since 1970)."""

    user: User
    expires: float


class Issuers:
    """All issuers that are configured. Verified tokens are remembered until they expire."""

    def __init__(self, configs: Sequence[IssuerConfig], *, source: str, http: HttpClient, clock: Clock) -> None:
        """`source` names the configuration in errors. Raises `ConfigurationError`."""
        self._clock = clock
        self._issuers = {
            config.url: Issuer(config, path=f"{source}: jwt[{index}]", http=http, clock=clock)
            for index, config in enumerate(configs)
        }
        self._known: dict[str, Accepted] = {}

    def user_of(self, token: str) -> User | Awaitable[User] | None:
        """None for a token that none of them can have issued. Raises `TokenError`, at once or when awaited."""
        if not self._issuers or token.count(".") != 2:
            return None
        known = self._known.get(token)
        if known is not None:
            if self._clock.now() >= known.expires:
                raise TokenError("the token has expired")
            return known.user
        parsed = parse_token(token)
        name = parsed.claims.get("iss")
        issuer = self._issuers.get(name) if isinstance(name, str) else None
        return self._verified(issuer, token, parsed) if issuer is not None else None

    async def _verified(self, issuer: Issuer, token: str, parsed: Token) -> User:
        accepted = await issuer.verified(parsed)
        if len(self._known) >= _KEPT_TOKENS:
            self._known.clear()
        self._known[token] = accepted
        return accepted.user
