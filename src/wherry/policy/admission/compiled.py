"""Admission policies, compiled once when they are written.

Source: k8s.io/apiserver/pkg/admission/plugin/policy/{validating,mutating}.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wherry.api.admission_expressions import TEXT_OR_NULL, policy_environment, with_variables
from wherry.api.types import Object
from wherry.machinery.cel.environment import Environment
from wherry.machinery.cel.types import BOOL, DYN, STRING, Type
from wherry.policy.admission.conditions import Expression, compiled, conditions_of
from wherry.policy.admission.matching import MatchRule
from wherry.policy.admission.matching import compiled as rules_of


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matching:
    """`matchConstraints` of a policy, `matchResources` of a binding. Without `rules`, every resource matches."""

    rules: tuple[MatchRule, ...] = ()
    excluded: tuple[MatchRule, ...] = ()
    namespace_selector: Mapping[str, Any]
    object_selector: Mapping[str, Any]
    equivalent: bool = True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Common:
    """What both kinds of policies have. `params` is (apiVersion, kind) of the parameters; None without any."""

    name: str
    matching: Matching
    params: tuple[str, str] | None
    conditions: tuple[Expression, ...]
    variables: Mapping[str, Expression]
    ignore_failures: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    condition: Expression
    message: str
    message_expression: Expression | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ValidatingPolicy(Common):
    validations: tuple[Validation, ...]
    audit_annotations: tuple[tuple[str, Expression], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    expression: Expression
    json_patch: bool
    """Whether it gives a list of operations; otherwise an object to be merged."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MutatingPolicy(Common):
    mutations: tuple[Mutation, ...]
    reinvoke: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Binding:
    """`params` is the `paramRef`."""

    name: str
    policy: str
    matching: Matching | None
    params: Object | None
    actions: tuple[str, ...] = ()


def matching_of(match: Object) -> Matching:
    return Matching(
        rules=rules_of(match.get("resourceRules")),
        excluded=rules_of(match.get("excludeResourceRules")),
        namespace_selector=match.get("namespaceSelector") or {},
        object_selector=match.get("objectSelector") or {},
        equivalent=match.get("matchPolicy") != "Exact",
    )


def binding_of(obj: Object) -> tuple[Binding]:
    """A validating or a mutating binding."""
    spec = obj.get("spec") or {}
    match = spec.get("matchResources")
    found = Binding(
        name=obj["metadata"]["name"],
        policy=spec.get("policyName") or "",
        matching=matching_of(match) if match is not None else None,
        params=spec.get("paramRef"),
        actions=tuple(spec.get("validationActions") or ()),
    )
    return (found,)


def validating_policy_of(obj: Object) -> tuple[ValidatingPolicy]:
    spec = obj.get("spec") or {}
    environment, variables = _environment(spec)
    plain, _ = _environment(spec, authorizer=False)
    found = ValidatingPolicy(
        **_common(obj, environment, variables),
        validations=tuple(_validation(each, environment, plain) for each in spec.get("validations") or ()),
        audit_annotations=tuple(
            (each["key"], compiled(plain, each.get("valueExpression") or "", TEXT_OR_NULL))
            for each in spec.get("auditAnnotations") or ()
        ),
    )
    return (found,)


def mutating_policy_of(obj: Object) -> tuple[MutatingPolicy]:
    spec = obj.get("spec") or {}
    environment, variables = _environment(spec, mutation=True)
    found = MutatingPolicy(
        **_common(obj, environment, variables),
        mutations=tuple(_mutation(each, environment) for each in spec.get("mutations") or ()),
        reinvoke=spec.get("reinvocationPolicy") == "IfNeeded",
    )
    return (found,)


def _environment(
    spec: Object, *, authorizer: bool = True, mutation: bool = False
) -> tuple[Environment, dict[str, Expression]]:
    """With the policy's variables, each of which knows those before it."""
    base = policy_environment(params=spec.get("paramKind") is not None, authorizer=authorizer, mutation=mutation)
    types: dict[str, Type] = {}
    expressions: dict[str, Expression] = {}
    environment = with_variables(base, types)
    for each in spec.get("variables") or ():
        expression = compiled(environment, each.get("expression") or "")
        expressions[each["name"]] = expression
        types[each["name"]] = expression.program.result_type if expression.program is not None else DYN
        environment = with_variables(base, dict(types))
    return environment, expressions


def _common(obj: Object, environment: Environment, variables: Mapping[str, Expression]) -> dict[str, Any]:
    spec = obj.get("spec") or {}
    kind = spec.get("paramKind")
    return {
        "name": obj["metadata"]["name"],
        "matching": matching_of(spec.get("matchConstraints") or {}),
        "params": (kind.get("apiVersion") or "", kind.get("kind") or "") if kind is not None else None,
        "conditions": conditions_of(environment, spec.get("matchConditions")),
        "variables": variables,
        "ignore_failures": spec.get("failurePolicy") == "Ignore",
    }


def _validation(validation: Object, environment: Environment, plain: Environment) -> Validation:
    said = validation.get("messageExpression")
    return Validation(
        condition=compiled(environment, validation.get("expression") or "", BOOL),
        message=validation.get("message") or "",
        message_expression=compiled(plain, said, STRING) if said else None,
        reason=validation.get("reason") or "",
    )


def _mutation(mutation: Object, environment: Environment) -> Mutation:
    json_patch = mutation.get("patchType") == "JSONPatch"
    holder = mutation.get("jsonPatch" if json_patch else "applyConfiguration") or {}
    return Mutation(expression=compiled(environment, holder.get("expression") or ""), json_patch=json_patch)
