"""What is wrong with a policy's expressions for the kinds it is for: told in its status, never a reason to refuse it.

Source: k8s.io/apiserver/pkg/admission/plugin/policy/validating/typechecking.go, KEP-3488.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from wherry.api.admission_expressions import policy_environment, with_variables
from wherry.api.types import Object
from wherry.machinery.cel.environment import Environment
from wherry.machinery.cel.source import CompileError
from wherry.machinery.cel.types import DYN, Type

_MOST_KINDS: Final = 10
KindOf = Callable[[str, str, str], "tuple[str, Type] | None"]
"""From group, version and resource to what the kind is called in warnings, and its type; None where nobody knows."""


def warnings(policy: Object, kind_of: KindOf, params: Type | None) -> list[Object]:
    """`status.typeChecking.expressionWarnings` of a validating policy. `params`: the type of its parameters, if known."""
    spec = policy.get("spec") or {}
    kinds = [known for each in _resources(spec) if (known := kind_of(*each)) is not None][:_MOST_KINDS]
    environments = [(name, _environment(spec, type_, params)) for name, type_ in kinds]
    found: list[Object] = []
    for field, text in _expressions(spec):
        wrong = [f"{name}: {why}\n" for name, environment in environments if (why := _problem(environment, text))]
        if wrong:
            found.append({"fieldRef": field, "warning": "\n".join(wrong)})
    return found


def _resources(spec: Object) -> Iterator[tuple[str, str, str]]:
    """What the rules name, wildcards left out: nobody could check against every kind there is."""
    for rule in (spec.get("matchConstraints") or {}).get("resourceRules") or ():
        for group in rule.get("apiGroups") or ():
            for version in rule.get("apiVersions") or ():
                for resource in rule.get("resources") or ():
                    if "*" not in (group, version) and "*" not in resource and "/" not in resource:
                        yield group, version, resource


def _environment(spec: Object, kind: Type, params: Type | None) -> Environment:
    known: dict[str, Type] = {"object": kind, "oldObject": kind}
    if spec.get("paramKind") is not None:
        known["params"] = params or DYN
    base = policy_environment(params=spec.get("paramKind") is not None).extended(known)
    variables: dict[str, Type] = {}
    for each in spec.get("variables") or ():
        try:
            program = with_variables(base, dict(variables)).compile((each.get("expression") or "").strip())
            variables[each["name"]] = program.result_type
        except CompileError:
            variables[each["name"]] = DYN
    return with_variables(base, variables)


def _expressions(spec: Object) -> Iterator[tuple[str, str]]:
    for i, validation in enumerate(spec.get("validations") or ()):
        for key in ("expression", "messageExpression"):
            if text := validation.get(key):
                yield f"spec.validations[{i}].{key}", text.strip()


def _problem(environment: Environment, text: str) -> str:
    try:
        environment.compile(text)
    except CompileError as error:
        return str(error)
    return ""
