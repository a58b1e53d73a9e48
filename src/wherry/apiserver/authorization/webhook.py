"""Asking somebody else: a SubjectAccessReview to the server of a kubeconfig, its answers kept for a while.

Source: "Webhook Mode" in the Kubernetes documentation; k8s.io/apiserver/plugin/pkg/authorizer/webhook.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from wherry.api.types import Object
from wherry.apiserver.authorization.attributes import Attributes, Decision, review_of
from wherry.apiserver.authorization.chain_config import WebhookConfig
from wherry.apiserver.outgoing import NoAnswer, endpoint_of_kubeconfig
from wherry.base.clock import Clock
from wherry.policy.user import User
from wherry.wire.client import HttpClient

_TRIES = 5
_PAUSE_SECONDS = 0.5
_KEPT = 10_000

Condition = Callable[[Object], bool]
"""Whether the service is to be asked about a review's spec. Raises `ValueError` where that cannot be told."""


class WebhookAuthorizer:
    """One service. Raises `ConfigurationError` for a kubeconfig that cannot be used."""

    def __init__(
        self, config: WebhookConfig, conditions: Sequence[Condition], *, http: HttpClient, clock: Clock
    ) -> None:
        self._config = config
        self._conditions = tuple(conditions)
        self._endpoint = endpoint_of_kubeconfig(config.kubeconfig)
        self._http = http
        self._clock = clock
        self._known: dict[tuple[object, ...], tuple[float, Decision]] = {}

    def decide(self, user: User, wish: Attributes) -> Decision | Awaitable[Decision]:
        """What the service says, now or lately."""
        extra = tuple(sorted(user.extra.items()))
        key = (user.name, user.groups, user.uid, extra, wish)
        known = self._known.get(key)
        if known is not None and self._clock.monotonic() < known[0]:
            return known[1]
        return self._asked(key, user, wish)

    async def _asked(self, key: tuple[object, ...], user: User, wish: Attributes) -> Decision:
        spec = review_of(user, wish)
        try:
            if not all(condition(spec) for condition in self._conditions):
                return Decision()
            answer = await self._answer(spec)
        except (NoAnswer, ValueError) as error:
            return Decision(denied=self._config.deny_on_failure, error=str(error))
        status = answer.get("status") if isinstance(answer, dict) else None
        if not isinstance(status, dict):
            return Decision(denied=self._config.deny_on_failure, error="the authorization webhook gave no status")
        decision = _decision(status)
        seconds = self._config.authorized_seconds if decision.allowed else self._config.unauthorized_seconds
        if seconds > 0:
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[key] = (self._clock.monotonic() + seconds, decision)
        return decision

    async def _answer(self, spec: Object) -> object:
        version, kind = "authorization.k8s.io/v1", "SubjectAccessReview"
        review = {"apiVersion": version, "kind": kind, "metadata": {"creationTimestamp": None}, "spec": spec}
        for attempt in range(_TRIES):
            try:
                return await self._endpoint.post(self._http, review, timeout=self._config.timeout_seconds)
            except NoAnswer:
                if attempt + 1 == _TRIES:
                    raise
                await self._clock.sleep(_PAUSE_SECONDS * 1.5**attempt)
        raise AssertionError("unreachable")


def _decision(status: Object) -> Decision:
    allowed, denied = status.get("allowed") is True, status.get("denied") is True
    reason = str(status.get("reason") or "")
    if allowed and denied:
        what = "webhook subject access review returned both allow and deny response"
        return Decision(denied=True, reason=reason, error=what)
    return Decision(allowed, denied, reason, str(status.get("evaluationError") or ""))
