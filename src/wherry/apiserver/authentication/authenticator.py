"""The ways to say who one is, tried in order: the process's own word, a bearer token, a certificate, nothing.

A credential that is wrong is refused; no credential at all makes the caller anonymous.
"""

from __future__ import annotations

from collections.abc import Mapping

from wherry.api.errors import Unauthorized
from wherry.apiserver.authentication.certificates import CertificateUsers
from wherry.apiserver.authentication.jwt import TokenError
from wherry.apiserver.tokens import ServiceAccountTokens
from wherry.policy.user import ANONYMOUS, AUTHENTICATED, UNAUTHENTICATED, User
from wherry.wire.messages import Request

ANONYMOUS_USER = User(ANONYMOUS, (UNAUTHENTICATED,))


def unauthorized() -> Unauthorized:
    return Unauthorized("Unauthorized")


class Authenticator:
    """`static_tokens` maps tokens to users; `anonymous` says whether callers without credentials get in at all."""

    def __init__(
        self,
        *,
        service_accounts: ServiceAccountTokens | None = None,
        static_tokens: Mapping[str, User] | None = None,
        anonymous: bool = True,
    ) -> None:
        self._service_accounts = service_accounts
        self._static = {token: _authenticated(user) for token, user in (static_tokens or {}).items()}
        self._anonymous = anonymous
        self._certificates = CertificateUsers()

    def user_of(self, request: Request) -> User:
        """Raises `Unauthorized`."""
        user: User | None = request.state.get("user")
        if user is not None:
            return user
        header = request.headers.get("authorization")
        if header is not None and (token := bearer(header)):
            return self.user_of_token(token)
        if request.peer.certificate and (user := self._certificates.of(request.peer)) is not None:
            return user
        if header or not self._anonymous:
            raise unauthorized()
        return ANONYMOUS_USER

    def user_of_token(self, token: str) -> User:
        """Raises `Unauthorized`."""
        if (user := self._static.get(token)) is not None:
            return user
        if self._service_accounts is None:
            raise unauthorized()
        try:
            return self._service_accounts.authenticate(token)
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
