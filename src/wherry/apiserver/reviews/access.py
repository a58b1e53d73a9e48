"""Access reviews: may somebody do something?

Source: pkg/registry/authorization, pkg/apis/authorization/validation.
"""

from __future__ import annotations

from collections.abc import Callable

from wherry.api.errors import BadRequest, Cause, invalid
from wherry.api.types import Object
from wherry.apiserver.answers import data_reply, wanted
from wherry.apiserver.authorization.authorizer import Attributes
from wherry.apiserver.body_object import read, settle_namespace
from wherry.apiserver.call import Answer, Call, Stage
from wherry.apiserver.options import write_options
from wherry.policy.rules import Rule
from wherry.policy.user import User

Who = Callable[[Call, Object], User]
_EXACTLY_ONE = "exactly one of nonResourceAttributes or resourceAttributes must be specified"


def attributes_of(spec: Object) -> Attributes:
    """What the review asks about."""
    if path := spec.get("nonResourceAttributes"):
        return Attributes((path.get("verb") or "").lower(), path=path.get("path") or "")
    wish = spec.get("resourceAttributes") or {}
    return Attributes(
        wish.get("verb") or "",
        group=wish.get("group") or "",
        resource=wish.get("resource") or "",
        subresource=wish.get("subresource") or "",
        namespace=wish.get("namespace") or "",
        name=wish.get("name") or "",
    )


def read_review(call: Call) -> Object:
    wanted(call)
    options = write_options(call, "CreateOptions")
    served = call.served
    review = read(call, api_version=served.api_version, kind=served.kind, field_validation=options.field_validation)
    settle_namespace(call, review)
    review["metadata"].setdefault("creationTimestamp", None)
    return review


def _access(who: Who) -> Stage:
    def handle(call: Call) -> Answer:
        review = read_review(call)
        spec: Object = review.setdefault("spec", {})
        _check(call, review)
        user, authorizer = who(call, spec), call.parts.authorizer
        allowed = authorizer.allows(user, attributes_of(spec))
        status: Object = {"allowed": allowed}
        if not allowed and (why := authorizer.rules.trouble(user, attributes_of(spec).namespace)):
            status["evaluationError"] = why
        review["status"] = status
        return data_reply(call, review, 201)

    return handle


def _check(call: Call, review: Object) -> None:
    spec = review["spec"]
    if bool(spec.get("resourceAttributes")) == bool(spec.get("nonResourceAttributes")):
        cause = Cause("FieldValueInvalid", f"Invalid value: null: {_EXACTLY_ONE}", "spec.resourceAttributes")
        raise invalid(call.served.group, call.served.kind, "", [cause])
    if not call.served.namespaced:
        return
    namespace = (spec.get("resourceAttributes") or {}).get("namespace") or ""
    if namespace != call.info.namespace:
        raise BadRequest(f"spec.resourceAttributes.namespace must match namespace: {call.info.namespace}")


def _the_caller(call: Call, spec: Object) -> User:
    return call.user


def _the_named(call: Call, spec: Object) -> User:
    if not spec.get("user") and not spec.get("groups"):
        cause = Cause(
            "FieldValueInvalid", 'Invalid value: "": at least one of user or group must be specified', "spec.user"
        )
        raise invalid(call.served.group, call.served.kind, "", [cause])
    extra = {key: tuple(values) for key, values in (spec.get("extra") or {}).items()}
    return User(spec.get("user") or "", tuple(spec.get("groups") or ()), spec.get("uid") or "", extra)


def rules_review(call: Call) -> Answer:
    """SelfSubjectRulesReview: all that the caller may do in a namespace."""
    review = read_review(call)
    namespace = review.setdefault("spec", {}).get("namespace") or ""
    if not namespace:
        raise BadRequest("no namespace on request")
    rules = _rules(call, namespace)
    review["status"] = {
        "resourceRules": [_resource_rule(rule) for rule in rules if rule.resources],
        "nonResourceRules": [_path_rule(rule) for rule in rules if rule.urls],
        "incomplete": False,
    }
    return data_reply(call, review, 201)


def _rules(call: Call, namespace: str) -> list[Rule]:
    authorizer = call.parts.authorizer
    if authorizer.allows(call.user, Attributes("*", group="*", resource="*")):
        every = frozenset({"*"})
        return [Rule(verbs=every, groups=every, resources=every), Rule(verbs=every, urls=every)]
    return authorizer.rules.rules_for(call.user, namespace)


def _resource_rule(rule: Rule) -> Object:
    found: Object = {"verbs": sorted(rule.verbs), "apiGroups": sorted(rule.groups), "resources": sorted(rule.resources)}
    if rule.names:
        found["resourceNames"] = sorted(rule.names)
    return found


def _path_rule(rule: Rule) -> Object:
    return {"verbs": sorted(rule.verbs), "nonResourceURLs": sorted(rule.urls)}


SELF_ACCESS = {"create": _access(_the_caller)}
ACCESS = {"create": _access(_the_named)}
SELF_RULES = {"create": rules_review}
