"""Asking whether somebody may do something: `authorizer.group('').resource('pods').check('get').allowed()`.

Who evaluates gives an `Authorizer` as the variable of that name. Source: k8s.io/apiserver/pkg/cel/library/authz.go.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from wherry.machinery import names
from wherry.machinery.cel.functions import Library, library
from wherry.machinery.cel.types import BOOL, STRING, Type, opaque
from wherry.machinery.cel.values import EvaluationError, Opaque

AUTHORIZER_TYPE: Type = opaque("kubernetes.authorization.Authorizer")
PATH_CHECK: Type = opaque("kubernetes.authorization.PathCheck")
GROUP_CHECK: Type = opaque("kubernetes.authorization.GroupCheck")
RESOURCE_CHECK: Type = opaque("kubernetes.authorization.ResourceCheck")
DECISION: Type = opaque("kubernetes.authorization.Decision")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a path, or a resource. `service_account` is (namespace, name), or None for who made the request."""

    verb: str = ""
    path: str = ""
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    field_selector: str = ""
    label_selector: str = ""
    service_account: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    allowed: bool
    reason: str = ""
    error: str = ""


Ask = Callable[[Question], Answer]


class _Step(Opaque):
    """One of the objects on the way to an answer."""

    __slots__ = ("ask", "question")

    def __init__(self, ask: Ask, question: Question) -> None:
        self.ask = ask
        self.question = question

    def same(self, other: Any) -> bool:
        return self.__class__ is other.__class__ and self.ask is other.ask and self.question == other.question


class Authorizer(_Step):
    """The value of the variable `authorizer`: `Authorizer(ask)`."""

    __slots__ = ()
    cel_type = AUTHORIZER_TYPE

    def __init__(self, ask: Ask, question: Question = Question()) -> None:
        super().__init__(ask, question)


class _Path(_Step):
    __slots__ = ()
    cel_type = PATH_CHECK


class _Group(_Step):
    __slots__ = ()
    cel_type = GROUP_CHECK


class ResourceCheck(_Step):
    """What `authorizer.requestResource` is: `ResourceCheck(ask, question)`."""

    __slots__ = ()
    cel_type = RESOURCE_CHECK


class Decision(Opaque):
    __slots__ = ("answer",)
    cel_type = DECISION

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def same(self, other: Any) -> bool:
        return isinstance(other, Decision) and self.answer == other.answer


def _path(step: _Step, path: str) -> _Path:
    if not path.strip():
        raise EvaluationError("path must not be empty")
    return _Path(step.ask, replace(step.question, path=path))


def _group(step: _Step, group: str) -> _Group:
    return _Group(step.ask, replace(step.question, group=group))


def _service_account(step: _Step, namespace: str, name: str) -> Authorizer:
    if names.dns1123_subdomain(name):
        raise EvaluationError("Invalid service account name")
    if names.dns1123_label(namespace):
        raise EvaluationError("Invalid service account namespace")
    return Authorizer(step.ask, replace(step.question, service_account=(namespace, name)))


def _resource(step: _Step, resource: str) -> ResourceCheck:
    if not resource.strip():
        raise EvaluationError("resource must not be empty")
    return ResourceCheck(step.ask, replace(step.question, resource=resource))


def _with(field: str) -> Callable[[_Step, str], ResourceCheck]:
    def run(step: _Step, value: str) -> ResourceCheck:
        changes: dict[str, Any] = {field: value}
        return ResourceCheck(step.ask, replace(step.question, **changes))

    return run


def _check(step: _Step, verb: str) -> Decision:
    return Decision(step.ask(replace(step.question, verb=verb)))


_REFINED = (("subresource", "subresource"), ("namespace", "namespace"), ("name", "name"),
            ("fieldSelector", "field_selector"), ("labelSelector", "label_selector"))  # fmt: skip
LIBRARY: Library = library(
    members=[
        ("path", "authorizer_path", (AUTHORIZER_TYPE, STRING), PATH_CHECK, _path),
        ("group", "authorizer_group", (AUTHORIZER_TYPE, STRING), GROUP_CHECK, _group),
        ("serviceAccount", "authorizer_serviceaccount", (AUTHORIZER_TYPE, STRING, STRING), AUTHORIZER_TYPE, _service_account),
        ("resource", "groupcheck_resource", (GROUP_CHECK, STRING), RESOURCE_CHECK, _resource),
        *((name, f"resourcecheck_{name.lower()}", (RESOURCE_CHECK, STRING), RESOURCE_CHECK, _with(field)) for name, field in _REFINED),
        ("check", "pathcheck_check", (PATH_CHECK, STRING), DECISION, _check),
        ("check", "resourcecheck_check", (RESOURCE_CHECK, STRING), DECISION, _check),
        ("errored", "decision_errored", (DECISION,), BOOL, lambda found: bool(found.answer.error)),
        ("error", "decision_error", (DECISION,), STRING, lambda found: found.answer.error),
        ("allowed", "decision_allowed", (DECISION,), BOOL, lambda found: found.answer.allowed and not found.answer.error),
        ("reason", "decision_reason", (DECISION,), STRING, lambda found: found.answer.reason),
    ],
    types={each.name: each for each in (AUTHORIZER_TYPE, PATH_CHECK, GROUP_CHECK, RESOURCE_CHECK, DECISION)},
)  # fmt: skip
