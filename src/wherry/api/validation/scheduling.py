"""Where a pod may run: affinity, tolerations, topology spread, node selectors.

Source: `validateAffinity`, `ValidateTolerations`, `validateTopologySpreadConstraints`, `ValidateNodeSelector`.
"""

from __future__ import annotations

from typing import Any

from wherry.api.types import Object
from wherry.api.validation.errors import Errors
from wherry.api.validation.fields import NOT_POSITIVE
from wherry.api.validation.labels import label_name, selector
from wherry.machinery import names

REQUIRED_TERMS = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED_TERMS = "preferredDuringSchedulingIgnoredDuringExecution"
TAINT_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_BAD_OPERATOR = "not a valid selector operator"
_BOTH_KEYS = "exists in both matchLabelKeys and labelSelector"


def affinity(errors: Errors, found: Object, path: str) -> None:
    if node := found.get("nodeAffinity"):
        _node_affinity(errors, node, f"{path}.nodeAffinity")
    for kind in ("podAffinity", "podAntiAffinity"):
        if rules := found.get(kind):
            _pod_affinity(errors, rules, f"{path}.{kind}")


def _node_affinity(errors: Errors, found: Object, path: str) -> None:
    if (required := found.get(REQUIRED_TERMS)) is not None:
        node_selector(errors, required, f"{path}.{REQUIRED_TERMS}")
    for i, term in enumerate(found.get(PREFERRED_TERMS) or ()):
        where = f"{path}.{PREFERRED_TERMS}[{i}]"
        _weight(errors, term, where)
        _node_term(errors, term.get("preference") or {}, f"{where}.preference", check_values=False)


def _weight(errors: Errors, term: Object, path: str) -> None:
    weight = term.get("weight") or 0
    if not 1 <= weight <= 100:
        errors.invalid(f"{path}.weight", weight, "must be in the range 1-100")


def node_selector(errors: Errors, found: Object, path: str) -> None:
    terms = found.get("nodeSelectorTerms")
    if not terms:
        errors.required(f"{path}.nodeSelectorTerms", "must have at least one node selector term")
    for i, term in enumerate(terms or ()):
        _node_term(errors, term or {}, f"{path}.nodeSelectorTerms[{i}]", check_values=True)


def _node_term(errors: Errors, term: Object, path: str, *, check_values: bool) -> None:
    for i, expression in enumerate(term.get("matchExpressions") or ()):
        _node_expression(errors, expression, f"{path}.matchExpressions[{i}]", check_values)
    for i, expression in enumerate(term.get("matchFields") or ()):
        _node_field(errors, expression, f"{path}.matchFields[{i}]")


def _node_expression(errors: Errors, expression: Object, path: str, check_values: bool) -> None:
    operator, values = expression.get("operator") or "", expression.get("values") or ()
    if operator in ("In", "NotIn"):
        if not values:
            errors.required(f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'")
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            errors.forbidden(f"{path}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
    elif operator in ("Gt", "Lt"):
        if len(values) != 1:
            errors.required(f"{path}.values", "must be specified single value when `operator` is 'Lt' or 'Gt'")
    else:
        errors.invalid(f"{path}.operator", operator, _BAD_OPERATOR)
    label_name(errors, expression.get("key") or "", f"{path}.key")
    for i, value in enumerate(values if check_values else ()):
        errors.each(f"{path}.values[{i}]", value, names.label_value(value))


def _node_field(errors: Errors, expression: Object, path: str) -> None:
    operator, values, key = (
        expression.get("operator") or "",
        expression.get("values") or (),
        expression.get("key") or "",
    )
    if operator not in ("In", "NotIn"):
        errors.invalid(f"{path}.operator", operator, _BAD_OPERATOR)
    elif len(values) != 1:
        text = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
        errors.required(f"{path}.values", text)
    if key != "metadata.name":
        errors.invalid(f"{path}.key", key, "not a valid field selector key")
        return
    for i, value in enumerate(values):
        errors.each(f"{path}.values[{i}]", value, names.dns1123_subdomain(value))


def _pod_affinity(errors: Errors, rules: Object, path: str) -> None:
    for i, term in enumerate(rules.get(REQUIRED_TERMS) or ()):
        _pod_term(errors, term, f"{path}.{REQUIRED_TERMS}[{i}]")
    for i, weighted in enumerate(rules.get(PREFERRED_TERMS) or ()):
        where = f"{path}.{PREFERRED_TERMS}[{i}]"
        _weight(errors, weighted, where)
        _pod_term(errors, weighted.get("podAffinityTerm") or {}, f"{where}.podAffinityTerm")


def _pod_term(errors: Errors, term: Object, path: str) -> None:
    selector(errors, term.get("labelSelector"), f"{path}.labelSelector")
    selector(errors, term.get("namespaceSelector"), f"{path}.namespaceSelector")
    for namespace in term.get("namespaces") or ():
        errors.each(f"{path}.namespace", namespace, names.dns1123_label(namespace))
    _label_keys(errors, term, path)
    key = term.get("topologyKey") or ""
    if not key:
        errors.required(f"{path}.topologyKey", "can not be empty")
    label_name(errors, key, f"{path}.topologyKey")


def _label_keys(errors: Errors, term: Object, path: str) -> None:
    match, mismatch = term.get("matchLabelKeys") or (), term.get("mismatchLabelKeys") or ()
    for field, keys in (("matchLabelKeys", match), ("mismatchLabelKeys", mismatch)):
        if keys and term.get("labelSelector") is None:
            errors.forbidden(f"{path}.{field}", "must not be specified when labelSelector is not set")
            continue
        for i, key in enumerate(keys):
            label_name(errors, key, f"{path}.{field}[{i}]")
    for i, key in enumerate(match):
        if key in mismatch:
            text = "exists in both matchLabelKeys and mismatchLabelKeys"
            errors.invalid(f"{path}.matchLabelKeys[{i}]", key, text)


def tolerations(errors: Errors, found: list[Object], path: str) -> None:
    for i, toleration in enumerate(found):
        _toleration(errors, toleration, f"{path}[{i}]")


def _toleration(errors: Errors, toleration: Object, path: str) -> None:
    key, operator = toleration.get("key") or "", toleration.get("operator") or ""
    value, effect = toleration.get("value") or "", toleration.get("effect") or ""
    if key:
        label_name(errors, key, f"{path}.key")
    elif operator != "Exists":
        text = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
        errors.invalid(f"{path}.operator", operator, text)
    if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
        errors.invalid(f"{path}.effect", effect, "effect must be 'NoExecute' when `tolerationSeconds` is set")
    if operator in ("", "Equal"):
        if messages := names.label_value(value):
            errors.invalid(f"{path}.operator", value, ";".join(messages))
    elif operator == "Exists":
        if value:
            errors.invalid(f"{path}.operator", value, "value must be empty when `operator` is 'Exists'")
    else:
        errors.not_supported(f"{path}.operator", operator, ("Equal", "Exists"))
    if effect and effect not in TAINT_EFFECTS:
        errors.not_supported(f"{path}.effect", effect, TAINT_EFFECTS)


def topology_spread(errors: Errors, constraints: list[Object], path: str) -> None:
    for i, constraint in enumerate(constraints):
        where = f"{path}[{i}]"
        skew, when = constraint.get("maxSkew") or 0, constraint.get("whenUnsatisfiable") or ""
        if skew <= 0:
            errors.invalid(f"{where}.maxSkew", skew, NOT_POSITIVE)
        key = constraint.get("topologyKey") or ""
        if not key:
            errors.required(f"{where}.topologyKey", "can not be empty")
        if when not in ("DoNotSchedule", "ScheduleAnyway"):
            errors.not_supported(f"{where}.whenUnsatisfiable", when, ("DoNotSchedule", "ScheduleAnyway"))
        if any((c.get("topologyKey"), c.get("whenUnsatisfiable")) == (key, when) for c in constraints[i + 1 :]):
            errors.duplicate(f"{where}.{{topologyKey, whenUnsatisfiable}}", f"{{{key}, {when}}}")
        _min_domains(errors, constraint.get("minDomains"), when, f"{where}.minDomains")
        for policy in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
            if (value := constraint.get(policy)) is not None and value not in ("Honor", "Ignore"):
                errors.not_supported(f"{where}.{policy}", value, ("Honor", "Ignore"))
        _spread_keys(errors, constraint, f"{where}.matchLabelKeys")
        selector(errors, constraint.get("labelSelector"), f"{where}.labelSelector")


def _min_domains(errors: Errors, value: Any, when: str, path: str) -> None:
    if value is None:
        return
    if value <= 0:
        errors.invalid(path, value, NOT_POSITIVE)
    if when != "DoNotSchedule":
        text = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {when}"
        errors.invalid(path, value, text)


def _spread_keys(errors: Errors, constraint: Object, path: str) -> None:
    keys = constraint.get("matchLabelKeys") or ()
    if not keys:
        return
    found = constraint.get("labelSelector")
    if found is None:
        errors.forbidden(path, "must not be specified when labelSelector is not set")
    selected = set((found or {}).get("matchLabels") or ())
    for i, key in enumerate(keys):
        label_name(errors, key, f"{path}[{i}]")
        if key in selected:
            errors.invalid(f"{path}[{i}]", key, _BOTH_KEYS)
