"""Authorization as a stage: may this user do this?"""

from __future__ import annotations

from collections.abc import Callable

from wherry.api.errors import Forbidden
from wherry.apiserver.authorization.authorizer import ALWAYS_ALLOWED_PATHS, Authorizer
from wherry.apiserver.call import Answer, Call, Stage
from wherry.machinery.field_selectors import parse_fields
from wherry.machinery.selector_grammar import SelectorError
from wherry.policy.denial import forbidden, forbidden_path
from wherry.policy.user import MASTERS

_OF_MANY = frozenset({"list", "watch", "deletecollection"})


def authorization(authorizer: Authorizer) -> Callable[[Stage], Stage]:
    if not authorizer.enabled:
        return lambda following: following
    rules = authorizer.rules

    def wrap(following: Stage) -> Stage:
        def stage(call: Call) -> Answer:
            user, info = call.user, call.info
            if MASTERS in user.groups:
                return following(call)
            if not info.resource_request:
                if info.path in ALWAYS_ALLOWED_PATHS or rules.allowed_path(user, call.verb, info.path):
                    return following(call)
                raise forbidden_path(user, call.verb, info.path)
            name = info.name or _selected_name(call)
            if rules.allowed(
                user,
                call.verb,
                info.group,
                info.plural,
                subresource=info.subresource,
                namespace=info.namespace,
                name=name,
            ):
                return following(call)
            raise _denied(authorizer, call, name)

        return stage

    return wrap


def _selected_name(call: Call) -> str:
    """A list of one name is a request for that name: rules with resourceNames apply."""
    if call.verb not in _OF_MANY or "fieldSelector" not in call.query:
        return ""
    try:
        return parse_fields(call.parameter("fieldSelector")).exact("metadata.name") or ""
    except SelectorError:
        return ""


def _denied(authorizer: Authorizer, call: Call, name: str) -> Forbidden:
    info = call.info
    return forbidden(
        call.user,
        call.verb,
        info.group,
        info.plural,
        subresource=info.subresource,
        namespace=info.namespace,
        name=name,
        reason=authorizer.rules.trouble(call.user, info.namespace),
    )
