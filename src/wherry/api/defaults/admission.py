"""Defaults of admission webhooks and policies, API services and custom resource definitions.

Source: pkg/apis/admissionregistration/v1/defaults.go, kube-aggregator and apiextensions-apiserver `defaults.go`.
"""

from __future__ import annotations

from wherry.api.defaults.fields import if_absent, if_zero, section
from wherry.api.types import Object


def validating_webhooks(obj: Object) -> None:
    for hook in obj.get("webhooks") or ():
        _webhook(hook)


def mutating_webhooks(obj: Object) -> None:
    for hook in obj.get("webhooks") or ():
        _webhook(hook)
        if_absent(hook, "reinvocationPolicy", "Never")


def _webhook(hook: Object) -> None:
    if_absent(hook, "failurePolicy", "Fail")
    if_absent(hook, "timeoutSeconds", 10)
    _match(hook)
    for rule in hook.get("rules") or ():
        if_absent(rule, "scope", "*")
    if service := (hook.get("clientConfig") or {}).get("service"):
        if_absent(service, "port", 443)


def _match(match: Object) -> None:
    if_absent(match, "matchPolicy", "Equivalent")
    if_absent(match, "namespaceSelector", {})
    if_absent(match, "objectSelector", {})


def policy(obj: Object) -> None:
    """A validating or mutating admission policy."""
    spec = section(obj, "spec")
    if_absent(spec, "failurePolicy", "Fail")
    _match_resources(spec.get("matchConstraints"))


def policy_binding(obj: Object) -> None:
    _match_resources(section(obj, "spec").get("matchResources"))


def _match_resources(match: Object | None) -> None:
    if match is None:
        return
    _match(match)
    for key in ("resourceRules", "excludeResourceRules"):
        for rule in match.get(key) or ():
            if_absent(rule, "scope", "*")


def api_service(obj: Object) -> None:
    if service := section(obj, "spec").get("service"):
        if_absent(service, "port", 443)


def custom_resource_definition(obj: Object) -> None:
    spec = section(obj, "spec")
    names = section(spec, "names")
    if kind := names.get("kind"):
        if_zero(names, "singular", kind.lower())
        if_zero(names, "listKind", f"{kind}List")
    conversion = section(spec, "conversion")
    if_zero(conversion, "strategy", "None")
    client = (conversion.get("webhook") or {}).get("clientConfig") or {}
    if service := client.get("service"):
        if_absent(service, "port", 443)
