"""What expressions about a write may look at: the values of the variables that `wherry.api.admission_expressions` declares."""

from __future__ import annotations

from typing import Any

from wherry.api.types import Object
from wherry.apiserver.admission.attributes import Attributes
from wherry.apiserver.authorization.attributes import Attributes as Wish
from wherry.apiserver.authorization.attributes import (
    Decision,
    field_requirements,
    label_requirements,
)
from wherry.apiserver.webhooks.invocation import Match, namespace_of
from wherry.apiserver.webhooks.seen import in_version, request_for
from wherry.base.times import parse_rfc3339
from wherry.machinery.cel.libraries.authorizer import Answer, Ask, Authorizer, Question, ResourceCheck
from wherry.machinery.cel.values import NANO, Timestamp
from wherry.policy.admission.matching import Subject
from wherry.policy.user import AUTHENTICATED, User

_TIMES = ("creationTimestamp", "deletionTimestamp")
_METADATA = (
    "name", "generateName", "namespace", "labels", "annotations", "creationTimestamp", "deletionGracePeriodSeconds",
    "deletionTimestamp", "generation", "resourceVersion", "finalizers",
)  # fmt: skip


async def bindings_of(attributes: Attributes, subject: Subject, found: Match) -> dict[str, Any]:
    """All but `params` and `variables`; the objects at the version of the match, shared: not to be changed."""
    obj, old = await in_version(attributes.obj, found.served), await in_version(attributes.old, found.served)
    ask = _ask(attributes)
    question = Question(
        group=subject.group,
        resource=subject.resource,
        subresource=subject.subresource,
        namespace=subject.namespace,
        name=subject.name,
    )
    return {
        "object": obj,
        "oldObject": old,
        "request": request_for(attributes, subject, found, obj, old),
        "namespaceObject": None if subject.is_namespace else _namespace(namespace_of(attributes, subject)),
        "authorizer": Authorizer(ask),
        "authorizer.requestResource": ResourceCheck(ask, question),
    }


def _namespace(namespace: Object | None) -> Object | None:
    if namespace is None:
        return None
    metadata = {key: value for key in _METADATA if (value := namespace["metadata"].get(key)) is not None}
    for key in _TIMES:
        if key in metadata:
            metadata[key] = Timestamp(int(parse_rfc3339(metadata[key])) * NANO)
    spec, status = namespace.get("spec") or {}, namespace.get("status") or {}
    return {
        "metadata": metadata,
        "spec": {"finalizers": spec.get("finalizers") or []},
        "status": {
            "phase": status.get("phase") or "",
            "conditions": [_condition(c) for c in status.get("conditions") or ()],
        },
    }


def _condition(condition: Object) -> Object:
    since = condition.get("lastTransitionTime")
    return {**condition, "lastTransitionTime": Timestamp(int(parse_rfc3339(since)) * NANO if since else 0)}


def _ask(attributes: Attributes) -> Ask:
    def ask(question: Question) -> Answer:
        wish = Wish(
            question.verb,
            group=question.group,
            resource=question.resource,
            subresource=question.subresource,
            namespace=question.namespace,
            name=question.name,
            path=question.path,
            version="*" if question.resource else "",
            fields=field_requirements(question.field_selector) if question.field_selector else (),
            labels=label_requirements(question.label_selector) if question.label_selector else (),
        )
        decision = attributes.parts.authorizer.decide(_who(attributes, question), wish)
        if not isinstance(decision, Decision):
            _give_up(decision)
            return Answer(False, "", "an authorizer outside of the server cannot be asked by an expression")
        return Answer(decision.allowed, decision.reason, decision.error)

    return ask


def _give_up(waiting: Any) -> None:
    if hasattr(waiting, "close"):
        waiting.close()


def _who(attributes: Attributes, question: Question) -> User:
    if question.service_account is None:
        return attributes.user
    namespace, name = question.service_account
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", AUTHENTICATED)
    return User(f"system:serviceaccount:{namespace}:{name}", groups)
