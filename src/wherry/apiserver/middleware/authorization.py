"""Authorization as a stage: may this user do this?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from inspect import isawaitable
from typing import TYPE_CHECKING

from wherry.api.errors import Forbidden
from wherry.apiserver.authorization.attributes import (
    ALLOW,
    Attributes,
    Decision,
    field_requirements,
    label_requirements,
)
from wherry.apiserver.authorization.authorizer import ALWAYS_ALLOWED_PATHS, Authorizer
from wherry.apiserver.call import Answer, Call, Stage
from wherry.policy.denial import forbidden, forbidden_path
from wherry.policy.rbac import Rules
from wherry.policy.user import MASTERS
from wherry.wire.messages import Reply

if TYPE_CHECKING:
    from wherry.apiserver.audit.events import Record

_OF_MANY = frozenset({"list", "watch", "deletecollection"})


def authorization(authorizer: Authorizer) -> Callable[[Stage], Stage]:
    if not authorizer.enabled:
        return lambda following: following
    rules = authorizer.rules

    def wrap(following: Stage) -> Stage:
        def stage(call: Call) -> Answer:
            user, info = call.user, call.info
            if MASTERS in user.groups:
                if call.audit is not None:
                    _note(call.audit, ALLOW)
                return following(call)
            if authorizer.rbac_first and call.audit is None and _allowed_by_rules(rules, call):
                return following(call)
            wish = wish_of(call)
            if wish.name != info.name and _named_allows(authorizer, call, wish):
                return following(call)
            decision = authorizer.decide(user, wish)
            if not isinstance(decision, Decision):
                return later(call, wish, decision)
            if call.audit is not None:
                _note(call.audit, decision)
            if not decision.allowed:
                raise _refusal(call, wish, decision)
            return following(call)

        async def later(call: Call, wish: Attributes, waiting: Awaitable[Decision]) -> Reply:
            decision = await waiting
            if call.audit is not None:
                _note(call.audit, decision)
            if not decision.allowed:
                raise _refusal(call, wish, decision)
            answer = following(call)
            return await answer if isawaitable(answer) else answer

        return stage

    return wrap


def _allowed_by_rules(rules: Rules, call: Call) -> bool:
    """What the roles allow, found without making anything; only what is left goes through the whole chain."""
    info = call.info
    if not info.resource_request:
        return info.path in ALWAYS_ALLOWED_PATHS or rules.allowed_path(call.user, call.verb, info.path)
    return rules.allowed(
        call.user,
        call.verb,
        info.group,
        info.plural,
        subresource=info.subresource,
        namespace=info.namespace,
        name=info.name,
    )


def _named_allows(authorizer: Authorizer, call: Call, wish: Attributes) -> bool:
    """A list of one name is worth asking once more before reasons are looked for."""
    return authorizer.rbac_first and call.audit is None and authorizer.rbac_allows(call.user, wish)


def _note(record: Record, decision: Decision) -> None:
    record.annotate("authorization.k8s.io/decision", "allow" if decision.allowed else "forbid")
    record.annotate("authorization.k8s.io/reason", decision.reason)


def wish_of(call: Call) -> Attributes:
    """What a request asks for. A list of one name is a request for that name: rules with resourceNames apply."""
    info = call.info
    if not info.resource_request:
        return Attributes(call.verb, path=info.path)
    of_many = call.verb in _OF_MANY
    fields = field_requirements(call.parameter("fieldSelector")) if of_many and "fieldSelector" in call.query else ()
    labels = label_requirements(call.parameter("labelSelector")) if of_many and "labelSelector" in call.query else ()
    wish = Attributes(
        call.verb,
        group=info.group,
        resource=info.plural,
        subresource=info.subresource,
        namespace=info.namespace,
        name=info.name,
        version=info.version,
        fields=fields,
        labels=labels,
    )
    if of_many and not info.name and (name := wish.selected("metadata.name")):
        return replace(wish, name=name)
    return wish


def _refusal(call: Call, wish: Attributes, decision: Decision) -> Forbidden:
    if wish.path:
        error = forbidden_path(call.user, call.verb, wish.path)
        if decision.reason:
            error.message += f": {decision.reason}"
        return error
    return forbidden(
        call.user,
        call.verb,
        wish.group,
        wish.resource,
        subresource=wish.subresource,
        namespace=wish.namespace,
        name=wish.name,
        reason=decision.reason,
    )
