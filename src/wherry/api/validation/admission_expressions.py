"""The expressions of admission policies and of webhooks' conditions: each must compile.

Source: pkg/apis/admissionregistration/validation (validateValidation, validateVariable, validateMatchConditions and so on).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from wherry.api.types import Object
from wherry.api.validation.errors import Errors
from wherry.machinery import names

if TYPE_CHECKING:
    from wherry.machinery.cel.environment import Environment
    from wherry.machinery.cel.types import Type

_MOST_CONDITIONS = 64


def match_conditions(errors: Errors, conditions: Sequence[Object], path: str) -> None:
    """Of a webhook."""
    if not conditions:
        return
    from wherry.api.admission_expressions import webhook_environment

    if len(conditions) > _MOST_CONDITIONS:
        errors.too_many(path, len(conditions), _MOST_CONDITIONS)
        return
    named_conditions(errors, conditions, path)
    _conditions(errors, webhook_environment(), conditions, path)


def named_conditions(errors: Errors, conditions: Sequence[Object], path: str) -> None:
    """Every condition has an expression and a name of its own."""
    for i, condition in enumerate(conditions):
        where, name = f"{path}[{i}]", condition.get("name") or ""
        if not (condition.get("expression") or "").strip():
            errors.required(f"{where}.expression", "expression is not specified")
        if not name:
            errors.required(f"{where}.name")
        else:
            errors.each(f"{where}.name", name, names.label_key(name))
        if name and any(other.get("name") == name for other in conditions[:i]):
            errors.duplicate(f"{where}.name", name)


def policy_expressions(errors: Errors, spec: Object, *, mutation: bool = False) -> None:
    """Everything in a policy that is CEL; each variable knows those before it."""
    from wherry.api.admission_expressions import TEXT_OR_NULL, policy_environment, with_variables
    from wherry.machinery.cel.types import BOOL, DYN, STRING

    params = spec.get("paramKind") is not None
    base = policy_environment(params=params, mutation=mutation)
    plain = policy_environment(params=params, authorizer=False)
    types: dict[str, Type] = {}
    for i, variable in enumerate(spec.get("variables") or ()):
        name = variable.get("name") or ""
        types[name] = (
            _variable(errors, with_variables(base, dict(types)), variable, f"spec.variables[{i}]", types) or DYN
        )
    base, plain = with_variables(base, types), with_variables(plain, types)
    _conditions(errors, base, spec.get("matchConditions") or (), "spec.matchConditions")
    for i, validation in enumerate(spec.get("validations") or ()):
        path = f"spec.validations[{i}]"
        _compiles(errors, base, validation.get("expression"), BOOL, f"{path}.expression")
        _compiles(errors, plain, validation.get("messageExpression"), STRING, f"{path}.messageExpression")
    for i, audit in enumerate(spec.get("auditAnnotations") or ()):
        path = f"spec.auditAnnotations[{i}].valueExpression"
        _compiles(errors, plain, audit.get("valueExpression"), TEXT_OR_NULL, path)
    for i, each in enumerate(spec.get("mutations") or ()):
        for key in ("applyConfiguration", "jsonPatch"):
            _compiles(
                errors, base, (each.get(key) or {}).get("expression"), None, f"spec.mutations[{i}].{key}.expression"
            )


def _variable(
    errors: Errors, environment: Environment, variable: Object, path: str, known: dict[str, Type]
) -> Type | None:
    """The type of its values, where it can be told."""
    from wherry.api.admission_expressions import problem
    from wherry.machinery.cel.source import CompileError

    name, text = variable.get("name") or "", variable.get("expression") or ""
    if not name:
        errors.required(f"{path}.name", "name is not specified")
    elif messages := names.c_identifier(name):
        errors.invalid(f"{path}.name", name, f"name is not a valid CEL identifier: {messages[0]}")
    if name in known:
        errors.duplicate(f"{path}.name", name)
    if not text.strip():
        errors.required(f"{path}.expression", "expression is not specified")
        return None
    try:
        return environment.compile(text.strip()).result_type
    except CompileError as error:
        errors.invalid(f"{path}.expression", text, problem(error))
        return None


def _conditions(errors: Errors, environment: Environment, conditions: Sequence[Object], path: str) -> None:
    from wherry.machinery.cel.types import BOOL

    for i, condition in enumerate(conditions):
        _compiles(errors, environment, condition.get("expression"), BOOL, f"{path}[{i}].expression")


def _compiles(
    errors: Errors, environment: Environment, text: str | None, result: Type | tuple[Type, ...] | None, path: str
) -> None:
    from wherry.api.admission_expressions import refusal

    if text and text.strip() and (why := refusal(environment, text.strip(), result)):
        errors.invalid(path, text, why)
