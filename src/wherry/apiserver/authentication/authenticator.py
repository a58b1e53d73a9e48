"""The ways to say who one is, tried in order: the process's own word, a proxy's headers, a certificate, a token, nothing.

A token that nobody knows is refused; no credential at all makes the caller anonymous, where that is allowed. Whatever can
be decided from memory is decided at once; an awaitable comes back only where somebody else must be asked.
Source: pkg/kubeapiserver/authenticator/config.go (the order).
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from inspect import isawaitable
from typing import TYPE_CHECKING

from wherry.api.errors import Unauthorized
from wherry.apiserver.authentication.bootstrap_tokens import BootstrapTokens
from wherry.apiserver.authentication.certificates import CertificateUsers
from wherry.apiserver.authentication.issuer_config import Anonymous
from wherry.apiserver.authentication.jwt import TokenError
from wherry.apiserver.authentication.request_header import RequestHeaders
from wherry.apiserver.authentication.webhook import Reviewed, WebhookTokens
from wherry.apiserver.authentication.websocket_token import HEADER as WEBSOCKET
from wherry.apiserver.authentication.websocket_token import take_token
from wherry.apiserver.tokens import ServiceAccountTokens
from wherry.policy.user import ANONYMOUS, AUTHENTICATED, UNAUTHENTICATED, User
from wherry.wire.messages import Request

if TYPE_CHECKING:
    from wherry.apiserver.authentication.issuers import Issuers

ANONYMOUS_USER = User(ANONYMOUS, (UNAUTHENTICATED,))


def unauthorized() -> Unauthorized:
    return Unauthorized("Unauthorized")


@dataclass(frozen=True, slots=True)
class Known:
    """Whose a token is, and for which of the audiences asked for it is good."""

    user: User
    audiences: tuple[str, ...]


class Authenticator:
    """`static_tokens` maps tokens to users. What may change while the server runs is replaced as a whole: `issuers`,
    `anonymous`, and the static tokens by `set_static`."""

    def __init__(
        self,
        *,
        service_accounts: ServiceAccountTokens | None = None,
        static_tokens: Mapping[str, User] | None = None,
        bootstrap: BootstrapTokens | None = None,
        issuers: Issuers | None = None,
        webhook: WebhookTokens | None = None,
        request_headers: RequestHeaders | None = None,
        anonymous: Anonymous | bool = True,
        audiences: Sequence[str] = (),
    ) -> None:
        self._service_accounts = service_accounts
        self._bootstrap = bootstrap
        self._webhook = webhook
        self._request_headers = request_headers
        self._audiences = tuple(audiences)
        self._certificates = CertificateUsers()
        self._static: dict[str, User] = {}
        self.issuers = issuers
        self.anonymous = anonymous if isinstance(anonymous, Anonymous) else Anonymous(anonymous)
        self.set_static(static_tokens or {})

    def set_static(self, tokens: Mapping[str, User]) -> None:
        self._static = {token: _authenticated(user) for token, user in tokens.items()}

    def user_of(self, request: Request) -> User | Awaitable[User]:
        """Raises `Unauthorized`, at once or when awaited."""
        user: User | None = request.state.get("user")
        if user is not None:
            return user
        if request.peer.certificate and (user := self._certified(request)) is not None:
            return user
        headers = request.headers
        token = bearer(headers["authorization"]) if "authorization" in headers else ""
        if not token and WEBSOCKET in headers:
            token = _websocket_token(headers)
        if token:
            return self.user_of_token(token)
        if not self.anonymous.admits(request.path):
            raise unauthorized()
        return ANONYMOUS_USER

    def _certified(self, request: Request) -> User | None:
        """By the certificate that the caller shows: as a proxy's headers say, or as the certificate itself says."""
        proxies = self._request_headers
        if proxies is not None and proxies.is_proxy(request.peer):
            return proxies.user_of(request)
        return self._certificates.of(request.peer)

    def user_of_token(self, token: str) -> User | Awaitable[User]:
        """Raises `Unauthorized`, at once or when awaited."""
        try:
            found = self._decide(token, ())
        except TokenError as error:
            raise unauthorized() from error
        return found.user if type(found) is Known else self._awaited(found)  # type: ignore[arg-type]

    async def _awaited(self, found: Awaitable[Known]) -> User:
        try:
            return (await found).user
        except TokenError as error:
            raise unauthorized() from error

    async def review(self, token: str, audiences: Sequence[str]) -> Known:
        """For TokenReview: the user, and for which of the audiences the token is good. Raises `TokenError`."""
        found = self._decide(token, tuple(audiences))
        return await found if isawaitable(found) else found

    def _decide(self, token: str, audiences: tuple[str, ...]) -> Known | Awaitable[Known]:
        """Without `audiences` the server's own are asked for. Raises `TokenError`, at once or when awaited."""
        wanted = audiences or self._audiences
        why: TokenError | None = None
        if (user := self._static.get(token)) is not None:
            return self._for_server(user, audiences)
        if self._service_accounts is not None and self._service_accounts.concerns(token):
            try:
                verified = self._service_accounts.verify(token)
                return Known(verified.user, _common(wanted or self._service_accounts.audiences, verified.audiences))
            except TokenError as error:
                why = error
        try:
            if self._bootstrap is not None and (user := self._bootstrap.user_of(token)) is not None:
                return self._for_server(user, audiences)
            if self.issuers is not None and (issued := self.issuers.user_of(token)) is not None:
                if isinstance(issued, User):
                    return self._for_server(issued, audiences)
                return self._issued(issued, token, audiences)
        except TokenError as error:
            why = error
        return self._remote(token, audiences, why)

    async def _issued(self, issued: Awaitable[User], token: str, audiences: tuple[str, ...]) -> Known:
        try:
            return self._for_server(await issued, audiences)
        except TokenError as error:
            found = self._remote(token, audiences, error)
            return await found if isawaitable(found) else found

    def _remote(self, token: str, audiences: tuple[str, ...], why: TokenError | None) -> Known | Awaitable[Known]:
        """The last resort: the webhook, where there is one."""
        if self._webhook is None:
            raise why or TokenError("nobody knows the token")
        found = self._webhook.review(token, audiences)
        return _known(found) if isinstance(found, Reviewed) else _later(found)

    def _for_server(self, user: User, audiences: tuple[str, ...]) -> Known:
        """Of a token that says nothing of audiences: it is for this server. Raises `TokenError`."""
        if not audiences:
            return Known(user, self._audiences)
        return Known(user, _common(audiences, self._audiences))


def _common(wanted: Sequence[str], good: Sequence[str]) -> tuple[str, ...]:
    found = tuple(each for each in wanted if each in good)
    if not found:
        raise TokenError("the token is for another audience")
    return found


def _known(found: Reviewed) -> Known:
    if found.user is None:
        raise TokenError(found.why)
    return Known(found.user, found.audiences)


async def _later(found: Awaitable[Reviewed]) -> Known:
    return _known(await found)


def _websocket_token(headers: dict[str, str]) -> str:
    try:
        return take_token(headers)
    except TokenError as error:
        raise unauthorized() from error


def bearer(header: str) -> str:
    """The token of an `Authorization` header; empty for other schemes."""
    scheme, _, token = header.strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _authenticated(user: User) -> User:
    if AUTHENTICATED in user.groups:
        return user
    return User(user.name, (*user.groups, AUTHENTICATED), user.uid, user.extra)
