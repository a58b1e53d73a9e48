"""Acting as somebody else: `Impersonate-User` and its companions, for those who may.

Source: "User impersonation" in the Kubernetes documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from inspect import isawaitable
from urllib.parse import unquote

from wherry.api.errors import BadRequest
from wherry.apiserver.authorization.attributes import Attributes
from wherry.apiserver.authorization.authorizer import Authorizer
from wherry.apiserver.call import Answer, Call, Stage
from wherry.apiserver.middleware.authorization import wish_of
from wherry.apiserver.middleware.constrained_impersonation import Wanted, permitted_mode
from wherry.apiserver.tokens import service_account_user
from wherry.policy.denial import forbidden
from wherry.policy.user import ANONYMOUS, AUTHENTICATED, MASTERS, UNAUTHENTICATED, User
from wherry.wire.messages import Reply

_USER, _GROUP, _UID, _EXTRA = "impersonate-user", "impersonate-group", "impersonate-uid", "impersonate-extra-"
_ACCOUNT = "system:serviceaccount:"
_AUTHENTICATION = "authentication.k8s.io"


def impersonation(authorizer: Authorizer) -> Callable[[Stage], Stage]:
    def wrap(following: Stage) -> Stage:
        def stage(call: Call) -> Answer:
            headers = call.request.headers
            if _USER in headers or _GROUP in headers or _UID in headers:
                return acting(call)
            return following(call)

        async def acting(call: Call) -> Reply:
            call.user = await _impersonated(authorizer, call, call.request.headers)
            answer = following(call)
            return await answer if isawaitable(answer) else answer

        return stage

    return wrap


async def _impersonated(authorizer: Authorizer, call: Call, headers: Mapping[str, str]) -> User:
    """Raises `Forbidden`, `BadRequest`."""
    name = headers.get(_USER, "")
    if not name:
        raise BadRequest("requested impersonation without impersonating a user")
    groups = tuple(each.strip() for each in headers.get(_GROUP, "").split(",") if each.strip())
    extra = {
        unquote(header.removeprefix(_EXTRA)): tuple(each.strip() for each in value.split(","))
        for header, value in headers.items()
        if header.startswith(_EXTRA)
    }
    uid = headers.get(_UID, "")
    wanted, plain = Wanted(name, groups, uid, extra), _user(name, groups, uid, extra)
    if authorizer.enabled and MASTERS not in call.user.groups:
        mode = await permitted_mode(authorizer, call.user, wanted, plain, wish_of(call))
        if mode is not None:
            if call.audit is not None:
                call.audit.constrained(mode.constraint)
            return mode.user
    for wish in _wishes(name, groups, uid, extra):
        decision = await authorizer.permitted(call.user, wish)
        if not decision.allowed:
            raise forbidden(
                call.user, wish.verb, wish.group, wish.resource, subresource=wish.subresource,
                namespace=wish.namespace, name=wish.name, reason=decision.reason,
            )  # fmt: skip
    return plain


def _wishes(name: str, groups: tuple[str, ...], uid: str, extra: Mapping[str, tuple[str, ...]]) -> Iterator[Attributes]:
    if name.startswith(_ACCOUNT) and name.count(":") == 3:
        _, _, namespace, account = name.split(":")
        yield Attributes("impersonate", resource="serviceaccounts", namespace=namespace, name=account)
    else:
        yield Attributes("impersonate", resource="users", name=name)
    for group in groups:
        yield Attributes("impersonate", resource="groups", name=group)
    if uid:
        yield Attributes("impersonate", group=_AUTHENTICATION, resource="uids", name=uid)
    for key, values in extra.items():
        for value in values:
            yield Attributes("impersonate", group=_AUTHENTICATION, resource="userextras", subresource=key, name=value)


def _user(name: str, groups: tuple[str, ...], uid: str, extra: Mapping[str, tuple[str, ...]]) -> User:
    if name == ANONYMOUS:
        return User(name, groups or (UNAUTHENTICATED,), uid, extra)
    if not groups and name.startswith(_ACCOUNT) and name.count(":") == 3:
        _, _, namespace, account = name.split(":")
        return service_account_user(namespace, account, uid, extra)
    if AUTHENTICATED not in groups:
        groups = (*groups, AUTHENTICATED)
    return User(name, groups, uid, extra)
