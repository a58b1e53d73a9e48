"""Asking somebody else whose token this is: a TokenReview to the server of a kubeconfig, its answers kept for a while.

Source: "Webhook Token Authentication" in the Kubernetes documentation; k8s.io/apiserver/plugin/pkg/authenticator/token/webhook.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

from wherry.api.types import Object
from wherry.apiserver.authentication.jwt import TokenError
from wherry.apiserver.outgoing import Endpoint, NoAnswer
from wherry.base.clock import Clock
from wherry.policy.user import AUTHENTICATED, User
from wherry.wire.client import HttpClient

CACHE_SECONDS = 120.0
_TRIES = 5
_PAUSE_SECONDS = 0.5
_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What the webhook said: a user with the audiences that the token is good for, or why there is none."""

    user: User | None
    audiences: tuple[str, ...]
    why: str
    until: float


class WebhookTokens:
    """Decides by a remote service. `audiences` are those that the API server answers to."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        http: HttpClient,
        clock: Clock,
        audiences: Sequence[str],
        cache_seconds: float = CACHE_SECONDS,
    ) -> None:
        self._endpoint = endpoint
        self._http = http
        self._clock = clock
        self._audiences = tuple(audiences)
        self._seconds = cache_seconds
        self._known: dict[tuple[str, tuple[str, ...]], Reviewed] = {}

    def review(self, token: str, audiences: Sequence[str]) -> Reviewed | Awaitable[Reviewed]:
        """What the service says, now or lately. Raises `TokenError` (when awaited) where it cannot be asked."""
        key = (token, tuple(audiences) or self._audiences)
        known = self._known.get(key)
        if known is not None and self._clock.monotonic() < known.until:
            return known
        return self._asked(key)

    async def _asked(self, key: tuple[str, tuple[str, ...]]) -> Reviewed:
        token, audiences = key
        spec: Object = {"token": token, "audiences": list(audiences)}
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "metadata": {}, "spec": spec}
        answer = await self._answer(review)
        status = answer.get("status") if isinstance(answer, dict) else None
        if not isinstance(status, dict):
            raise TokenError("the token webhook gave no status")
        reviewed = self._read(status, audiences)
        if len(self._known) >= _KEPT:
            self._known.clear()
        self._known[key] = reviewed
        return reviewed

    async def _answer(self, review: Object) -> object:
        for attempt in range(_TRIES):
            try:
                return await self._endpoint.post(self._http, review)
            except NoAnswer as error:
                if attempt + 1 == _TRIES:
                    raise TokenError(str(error)) from error
                await self._clock.sleep(_PAUSE_SECONDS * 1.5**attempt)
        raise AssertionError("unreachable")

    def _read(self, status: Object, asked: tuple[str, ...]) -> Reviewed:
        until = self._clock.monotonic() + self._seconds
        if status.get("authenticated") is not True:
            return Reviewed(None, (), str(status.get("error") or "the token webhook does not know the token"), until)
        named = status.get("audiences")
        if named is not None and not isinstance(named, list):
            raise TokenError("the token webhook's audiences are no list")
        # A webhook that knows nothing of audiences speaks for the API server's own.
        good = tuple(each for each in asked if each in (named or self._audiences))
        if not good:
            return Reviewed(None, (), "the token is for another audience", until)
        return Reviewed(_user(status.get("user")), good, "", until)


def _user(info: object) -> User:
    name = info.get("username") if isinstance(info, dict) else None
    if not isinstance(info, dict) or not isinstance(name, str) or not name:
        raise TokenError("the token webhook named no user")
    groups = tuple(each for each in _list(info.get("groups")) if isinstance(each, str))
    if AUTHENTICATED not in groups:
        groups = (*groups, AUTHENTICATED)
    given = info.get("extra")
    extra = {
        str(key): tuple(map(str, values))
        for key, values in (given.items() if isinstance(given, dict) else ())
        if isinstance(values, list)
    }
    return User(name, groups, str(info.get("uid") or ""), extra)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
