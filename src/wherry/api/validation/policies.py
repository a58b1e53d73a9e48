"""Admission policies and their bindings.

Source: `ValidateValidatingAdmissionPolicy`, `ValidateValidatingAdmissionPolicyBinding` and the mutating twins.
"""

from __future__ import annotations

from wherry.api.types import Object
from wherry.api.validation.admission_expressions import named_conditions, policy_expressions
from wherry.api.validation.admission_rules import match_parts, operation_rules
from wherry.api.validation.errors import Errors
from wherry.api.validation.fields import choice, choice_if_set
from wherry.api.validation.labels import selector
from wherry.api.validation.rules import Rules
from wherry.machinery import names

_ACTIONS = ("Audit", "Deny", "Warn")
_REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized")


def validating(errors: Errors, obj: Object) -> None:
    spec = obj.get("spec") or {}
    _common(errors, spec)
    validations, audits = spec.get("validations") or (), spec.get("auditAnnotations") or ()
    if not validations and not audits:
        text = "validations or auditAnnotations must be non-empty"
        errors.required("spec.validations", text)
        errors.required("spec.auditAnnotations", text)
    for i, validation in enumerate(validations):
        path = f"spec.validations[{i}]"
        _expression(errors, validation, "expression", path)
        choice_if_set(errors, validation.get("reason"), f"{path}.reason", _REASONS)
    for i, audit in enumerate(audits):
        path, key = f"spec.auditAnnotations[{i}]", audit.get("key") or ""
        errors.each(f"{path}.key", key, names.label_key(key))
        _expression(errors, audit, "valueExpression", path)
    policy_expressions(errors, spec)


def mutating(errors: Errors, obj: Object) -> None:
    spec = obj.get("spec") or {}
    _common(errors, spec)
    mutations = spec.get("mutations") or ()
    if not mutations:
        errors.required("spec.mutations", "mutations must contain at least one item")
    for i, mutation in enumerate(mutations):
        path, kind = f"spec.mutations[{i}]", mutation.get("patchType")
        choice(errors, kind, f"{path}.patchType", ("ApplyConfiguration", "JSONPatch"))
        key = {"ApplyConfiguration": "applyConfiguration", "JSONPatch": "jsonPatch"}.get(kind or "")
        if key and mutation.get(key) is None:
            errors.required(f"{path}.{key}", f"must be specified when patchType is {kind}")
        elif key:
            _expression(errors, mutation[key], "expression", f"{path}.{key}")
    policy_expressions(errors, spec, mutation=True)
    choice(errors, spec.get("reinvocationPolicy"), "spec.reinvocationPolicy", ("IfNeeded", "Never"))


def _expression(errors: Errors, holder: Object, key: str, path: str) -> None:
    if not (holder.get(key) or "").strip():
        errors.required(f"{path}.{key}", f"{key} is not specified")


def _common(errors: Errors, spec: Object) -> None:
    choice(errors, spec.get("failurePolicy"), "spec.failurePolicy", ("Fail", "Ignore"))
    kind = spec.get("paramKind")
    if kind is not None:
        for key in ("apiVersion", "kind"):
            if not kind.get(key):
                errors.required(f"spec.paramKind.{key}")
    match = spec.get("matchConstraints")
    if match is None:
        errors.required("spec.matchConstraints")
    else:
        _match(errors, match, "spec.matchConstraints")
        if not match.get("resourceRules"):
            errors.required("spec.matchConstraints.resourceRules")
    named_conditions(errors, spec.get("matchConditions") or [], "spec.matchConditions")


def _match(errors: Errors, match: Object, path: str) -> None:
    match_parts(errors, match, path)
    for key in ("resourceRules", "excludeResourceRules"):
        operation_rules(errors, match.get(key) or (), f"{path}.{key}")


def _binding(errors: Errors, spec: Object) -> None:
    name = spec.get("policyName")
    if not name:
        errors.required("spec.policyName")
    else:
        errors.each("spec.policyName", name, names.dns1123_subdomain(name))
    if (ref := spec.get("paramRef")) is not None:
        if bool(ref.get("name")) == (ref.get("selector") is not None):
            errors.required("spec.paramRef", "one of name or selector must be specified")
        selector(errors, ref.get("selector"), "spec.paramRef.selector")
        choice(errors, ref.get("parameterNotFoundAction"), "spec.paramRef.parameterNotFoundAction", ("Allow", "Deny"))
    if (match := spec.get("matchResources")) is not None:
        _match(errors, match, "spec.matchResources")


def validating_binding(errors: Errors, obj: Object) -> None:
    spec = obj.get("spec") or {}
    _binding(errors, spec)
    actions, path = spec.get("validationActions") or [], "spec.validationActions"
    if not actions:
        errors.required(path)
    for i, action in enumerate(actions):
        if action not in _ACTIONS:
            errors.not_supported(f"{path}[{i}]", action, _ACTIONS)
        if action in actions[:i]:
            errors.duplicate(f"{path}[{i}]", action)
    if "Deny" in actions and "Warn" in actions:
        text = "must not contain both Deny and Warn (repeating the same validation failure information in the API "
        errors.invalid(path, actions, f"{text}response and headers serves no purpose)")


def mutating_binding(errors: Errors, obj: Object) -> None:
    _binding(errors, obj.get("spec") or {})


VALIDATING_POLICIES = Rules(create=validating)
VALIDATING_BINDINGS = Rules(create=validating_binding)
MUTATING_POLICIES = Rules(create=mutating)
MUTATING_BINDINGS = Rules(create=mutating_binding)
