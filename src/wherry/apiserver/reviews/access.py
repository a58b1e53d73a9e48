"""Access reviews: may somebody do something?

Source: pkg/registry/authorization, pkg/apis/authorization/validation.
"""

from __future__ import annotations

from collections.abc import Callable

from wherry.api.errors import BadRequest, Cause, invalid
from wherry.api.types import Object
from wherry.apiserver.admit import admit
from wherry.apiserver.answers import data_reply, wanted
from wherry.apiserver.authorization.attributes import (
    Attributes,
    Requirement,
    field_requirements,
    label_requirements,
)
from wherry.apiserver.body_object import read, settle_namespace
from wherry.apiserver.call import Call, Stage
from wherry.apiserver.options import write_options
from wherry.policy.node_access import node_of
from wherry.policy.rules import Rule
from wherry.policy.user import MASTERS, User
from wherry.wire.messages import Reply

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
        version=wish.get("version") or "",
        fields=_requirements(wish.get("fieldSelector"), field_requirements),
        labels=_requirements(wish.get("labelSelector"), label_requirements),
    )


def _requirements(selector: Object | None, parse: Callable[[str], tuple[Requirement, ...]]) -> tuple[Requirement, ...]:
    if not selector:
        return ()
    if raw := selector.get("rawSelector"):
        return parse(raw)
    return tuple(
        (each.get("key") or "", each.get("operator") or "", tuple(each.get("values") or ()))
        for each in selector.get("requirements") or ()
    )


async def read_review(call: Call) -> Object:
    """The review as its author and mutating webhooks want it."""
    wanted(call)
    options = write_options(call, "CreateOptions")
    served = call.served
    review = read(call, api_version=served.api_version, kind=served.kind, field_validation=options.field_validation)
    settle_namespace(call, review)
    review["metadata"].setdefault("creationTimestamp", None)
    await admit(call, served, "CREATE", review, None, dry_run=options.dry_run)
    return review


async def validated(call: Call, review: Object) -> Object:
    """The review, where no validating webhook refuses it. Raises what they raise."""
    options = write_options(call, "CreateOptions")
    await admit(call, call.served, "CREATE", review, None, dry_run=options.dry_run, validating=True)
    return review


def _access(who: Who) -> Stage:
    async def handle(call: Call) -> Reply:
        review = await read_review(call)
        spec: Object = review.setdefault("spec", {})
        _check(call, review)
        await validated(call, review)
        decision = await call.parts.authorizer.permitted(who(call, spec), attributes_of(spec))
        status: Object = {"allowed": decision.allowed}
        if decision.denied:
            status["denied"] = True
        if decision.reason:
            status["reason"] = decision.reason
        if decision.error:
            status["evaluationError"] = decision.error
        review["status"] = status
        return data_reply(call, review, 201)

    return handle


def _check(call: Call, review: Object) -> None:
    spec = review["spec"]
    if bool(spec.get("resourceAttributes")) == bool(spec.get("nonResourceAttributes")):
        cause = Cause("FieldValueInvalid", f"Invalid value: null: {_EXACTLY_ONE}", "spec.resourceAttributes")
        raise invalid(call.served.group, call.served.kind, "", [cause])
    if causes := _selector_problems(spec.get("resourceAttributes") or {}):
        raise invalid(call.served.group, call.served.kind, "", causes)
    if not call.served.namespaced:
        return
    namespace = (spec.get("resourceAttributes") or {}).get("namespace") or ""
    if namespace != call.info.namespace:
        raise BadRequest(f"spec.resourceAttributes.namespace must match namespace: {call.info.namespace}")


def _selector_problems(attributes: Object) -> list[Cause]:
    """Source: pkg/apis/authorization/validation (fieldSelector, labelSelector)."""
    causes: list[Cause] = []
    for name, needs_value in (("fieldSelector", ("In", "NotIn")), ("labelSelector", ("In", "NotIn"))):
        selector, path = attributes.get(name), f"spec.resourceAttributes.{name}"
        if selector is None:
            continue
        raw, requirements = selector.get("rawSelector") or "", selector.get("requirements") or []
        if raw and requirements:
            what = f'Invalid value: "{raw}": may not specified at the same time as requirements'
            causes.append(Cause("FieldValueInvalid", what, f"{path}.rawSelector"))
        elif not raw and not requirements:
            what = f"Required value: when {path} is specified, requirements or rawSelector is required"
            causes.append(Cause("FieldValueRequired", what, f"{path}.requirements"))
        for index, each in enumerate(requirements):
            at, operator, values = f"{path}.requirements[{index}]", each.get("operator") or "", each.get("values")
            if not each.get("key"):
                causes.append(Cause("FieldValueRequired", "Required value: must be specified", f"{at}.key"))
            if operator in needs_value and not values:
                what = "Required value: must be specified when `operator` is 'In' or 'NotIn'"
                causes.append(Cause("FieldValueRequired", what, f"{at}.values"))
            elif operator in ("Exists", "DoesNotExist") and values:
                what = "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                causes.append(Cause("FieldValueForbidden", what, f"{at}.values"))
    return causes


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


async def rules_review(call: Call) -> Reply:
    """SelfSubjectRulesReview: all that the caller may do in a namespace."""
    review = await read_review(call)
    namespace = review.setdefault("spec", {}).get("namespace") or ""
    if not namespace:
        raise BadRequest("no namespace on request")
    await validated(call, review)
    rules = _rules(call, namespace)
    review["status"] = {
        "resourceRules": [_resource_rule(rule) for rule in rules if rule.resources],
        "nonResourceRules": [_path_rule(rule) for rule in rules if rule.urls],
        "incomplete": not call.parts.authorizer.resolves_all,
    }
    if not call.parts.authorizer.resolves_all:
        review["status"]["evaluationError"] = "webhook authorizer does not support user rule resolution"
    elif node_of(call.user):
        review["status"]["evaluationError"] = "node authorizer does not support user rule resolution"
    return data_reply(call, review, 201)


def _rules(call: Call, namespace: str) -> list[Rule]:
    authorizer = call.parts.authorizer
    if not authorizer.enabled or MASTERS in call.user.groups:
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
