"""Authorization as a stage: may this user do this?"""

from __future__ import annotations

from collections.abc import Callable

from wherry.apiserver.authorization.authorizer import ALWAYS_ALLOWED_PATHS, Attributes, Authorizer
from wherry.apiserver.call import Answer, Call, Stage
from wherry.machinery.field_selectors import parse_fields
from wherry.machinery.selector_grammar import SelectorError
from wherry.policy.denial import forbidden, forbidden_path
from wherry.policy.node_access import ALLOWED, GROUP, SELECTED_NODE
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
            name = info.name or _selected(call, "metadata.name")
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
            _check_node(authorizer, call, name)
            return following(call)

        return stage

    return wrap


def _selected(call: Call, field: str) -> str:
    """A list of one name is a request for that name: rules with resourceNames apply."""
    if call.verb not in _OF_MANY or "fieldSelector" not in call.query:
        return ""
    try:
        return parse_fields(call.parameter("fieldSelector")).exact(field) or ""
    except SelectorError:
        return ""


def _check_node(authorizer: Authorizer, call: Call, name: str) -> None:
    """What RBAC does not allow may still be a node's. Raises `Forbidden`."""
    user, info = call.user, call.info
    reason: str | None = None
    if GROUP in user.groups:
        field = SELECTED_NODE.get((info.group, info.plural), "")
        wish = Attributes(
            call.verb,
            group=info.group,
            resource=info.plural,
            subresource=info.subresource,
            namespace=info.namespace,
            name=name,
            selected_node=_selected(call, field) if field else "",
        )
        reason = authorizer.refusal(user, wish)
        if reason == ALLOWED:
            return
    raise forbidden(
        user,
        call.verb,
        info.group,
        info.plural,
        subresource=info.subresource,
        namespace=info.namespace,
        name=name,
        reason=reason or authorizer.rules.trouble(user, info.namespace),
    )
