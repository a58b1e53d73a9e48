"""Which requests an admission webhook or policy is for: operations, resources, selectors.

Source: `validateRuleWithOperations`, `validateRule` in pkg/apis/admissionregistration/validation.
"""

from __future__ import annotations

from collections.abc import Iterable

from wherry.api.types import Object
from wherry.api.validation.errors import Errors
from wherry.api.validation.fields import choice_if_set
from wherry.api.validation.labels import selector

_OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
_SCOPES = ("*", "Cluster", "Namespaced")


def match_parts(errors: Errors, match: Object, path: str) -> None:
    """`matchPolicy` and the two selectors."""
    choice_if_set(errors, match.get("matchPolicy"), f"{path}.matchPolicy", ("Equivalent", "Exact"))
    for key in ("namespaceSelector", "objectSelector"):
        selector(errors, match.get(key), f"{path}.{key}")


def operation_rules(errors: Errors, rules: Iterable[Object], path: str) -> None:
    for i, rule in enumerate(rules):
        where = f"{path}[{i}]"
        operations = rule.get("operations") or []
        if not operations:
            errors.required(f"{where}.operations")
        if len(operations) > 1 and "*" in operations:
            text = "if '*' is present, must not specify other operations"
            errors.invalid(f"{where}.operations", operations, text)
        for j, operation in enumerate(operations):
            if operation not in _OPERATIONS:
                errors.not_supported(f"{where}.operations[{j}]", operation, _OPERATIONS)
        _rule(errors, rule, where)


def _rule(errors: Errors, rule: Object, path: str) -> None:
    for key, shown in (("apiGroups", "API groups"), ("apiVersions", "API versions")):
        values = rule.get(key) or []
        if not values:
            errors.required(f"{path}.{key}")
        if len(values) > 1 and "*" in values:
            errors.invalid(f"{path}.{key}", values, f"if '*' is present, must not specify other {shown}")
        for i, value in enumerate(values):
            if key == "apiVersions" and not value:
                errors.required(f"{path}.{key}[{i}]")
    _resources(errors, rule.get("resources") or [], f"{path}.resources")
    choice_if_set(errors, rule.get("scope"), f"{path}.scope", _SCOPES)


def _resources(errors: Errors, resources: list[str], path: str) -> None:
    if not resources:
        errors.required(path)
    if len(resources) > 1 and "*/*" in resources:
        errors.invalid(path, resources, "if '*/*' is present, must not specify other resources")
    wide = {r.partition("/")[0] for r in resources if r.endswith("/*")}
    for i, resource in enumerate(resources):
        base, slash, sub = resource.partition("/")
        where = f"{path}[{i}]"
        if not resource:
            errors.required(where)
        elif slash and sub != "*" and base in wide:
            errors.invalid(where, resource, f"if '{base}/*' is present, must not specify {resource}")
        elif slash and sub != "*" and f"*/{sub}" in resources and base != "*":
            errors.invalid(where, resource, f"if '*/{sub}' is present, must not specify {resource}")
        elif resource != "*" and not slash and "*" in resources:
            errors.invalid(path, resources, "if '*' is present, must not specify other resources without subresources")
            return
