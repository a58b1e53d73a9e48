"""Budgets, priorities, leases, runtime classes, certificate requests, API services.

Source: the `validation` package of each group.
"""

from __future__ import annotations

import base64

from wherry.api.types import Object
from wherry.api.validation.errors import Errors, quote
from wherry.api.validation.fields import (
    at_most_100_percent,
    choice_if_set,
    immutable,
    int_or_percent,
    non_negative,
)
from wherry.api.validation.labels import labels, selector
from wherry.api.validation.resources import quantity_value, resource_name
from wherry.api.validation.rules import Rules
from wherry.api.validation.scheduling import tolerations
from wherry.machinery import names

_HIGHEST_USER_PRIORITY = 1_000_000_000
_SYSTEM_CLASSES = {"system-node-critical": 2_000_001_000, "system-cluster-critical": 2_000_000_000}
_USAGES = frozenset(
    (
        "any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment",
        "decipher only", "digital signature", "email protection", "encipher only", "ipsec end system", "ipsec tunnel",
        "ipsec user", "key agreement", "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime",
        "server auth", "signing", "timestamping",
    )
)  # fmt: skip


def disruption_budget(errors: Errors, obj: Object) -> None:
    spec = obj.get("spec") or {}
    least, most = spec.get("minAvailable"), spec.get("maxUnavailable")
    if least is not None and most is not None:
        errors.invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set")
    for key, value in (("minAvailable", least), ("maxUnavailable", most)):
        if value is not None:
            int_or_percent(errors, value, f"spec.{key}")
            at_most_100_percent(errors, value, f"spec.{key}")
    selector(errors, spec.get("selector"), "spec.selector")
    policy = spec.get("unhealthyPodEvictionPolicy")
    choice_if_set(errors, policy, "spec.unhealthyPodEvictionPolicy", ("AlwaysAllow", "IfHealthyBudget"))


def budget_status(errors: Errors, new: Object, old: Object) -> None:
    counts = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")
    non_negative(errors, new.get("status") or {}, "status", *counts)


def priority_class(errors: Errors, obj: Object) -> None:
    name, value = (obj.get("metadata") or {}).get("name") or "", obj.get("value") or 0
    if name.startswith("system-"):
        if _SYSTEM_CLASSES.get(name) != value:
            text = "priority class names with 'system-' prefix are reserved for system use only. error: "
            errors.forbidden("metadata.name", f"{text}{_system_problem(name)}")
    elif value > _HIGHEST_USER_PRIORITY:
        text = f"maximum allowed value of a user defined priority is {_HIGHEST_USER_PRIORITY}"
        errors.forbidden("value", text)
    policy = obj.get("preemptionPolicy")
    choice_if_set(errors, policy, "preemptionPolicy", ("PreemptLowerPriority", "Never"))


def _system_problem(name: str) -> str:
    if name in _SYSTEM_CLASSES:
        return f"value of {name} PriorityClass must be {_SYSTEM_CLASSES[name]}"
    return f"{name} is not a known system priority class"


def update_priority_class(errors: Errors, new: Object, old: Object) -> None:
    if (new.get("value") or 0) != (old.get("value") or 0):
        errors.forbidden("value", "may not be changed in an update.")
    immutable(errors, new.get("preemptionPolicy"), old.get("preemptionPolicy"), "preemptionPolicy")


def lease(errors: Errors, obj: Object) -> None:
    spec = obj.get("spec") or {}
    seconds, transitions = spec.get("leaseDurationSeconds"), spec.get("leaseTransitions")
    if seconds is not None and seconds <= 0:
        errors.invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0")
    if transitions is not None and transitions < 0:
        errors.invalid("spec.leaseTransitions", transitions, "must be greater than or equal to 0")


def runtime_class(errors: Errors, obj: Object) -> None:
    handler = obj.get("handler") or ""
    errors.each("handler", handler, names.dns1123_label(handler))
    for name, value in ((obj.get("overhead") or {}).get("podFixed") or {}).items():
        where = f"overhead.podFixed.limits[{name}]"
        errors.each(where, name, resource_name(name))
        quantity_value(errors, name, value, where)
    if scheduling := obj.get("scheduling"):
        if found := scheduling.get("nodeSelector"):
            labels(errors, found, "scheduling.nodeSelector")
        tolerations(errors, scheduling.get("tolerations") or [], "scheduling.tolerations")


def update_runtime_class(errors: Errors, new: Object, old: Object) -> None:
    immutable(errors, new.get("handler"), old.get("handler"), "handler")


def certificate_request(errors: Errors, obj: Object) -> None:
    spec = obj.get("spec") or {}
    usages, seconds, signer = spec.get("usages") or [], spec.get("expirationSeconds"), spec.get("signerName") or ""
    if not spec.get("request"):
        errors.required("spec.request", "PEM block type must be CERTIFICATE REQUEST")
    if not usages:
        errors.required("spec.usages")
    for i, usage in enumerate(usages):
        if usage not in _USAGES:
            errors.not_supported(f"spec.usages[{i}]", usage, sorted(_USAGES))
        if usage in usages[:i]:
            errors.duplicate(f"spec.usages[{i}]", usage)
    if seconds is not None and seconds < 600:
        errors.invalid(
            "spec.expirationSeconds", seconds, "may not specify a duration less than 600 seconds (10 minutes)"
        )
    if signer == "kubernetes.io/legacy-unknown":
        errors.invalid("spec.signerName", signer, "the legacy signerName is not allowed via this API version")
    _signer(errors, signer, "spec.signerName")


_FINAL_CONDITIONS = ("Approved", "Denied", "Failed")


def update_certificate_request(errors: Errors, new: Object, old: Object) -> None:
    """What was decided or signed stays so."""
    before, after = old.get("status") or {}, new.get("status") or {}
    if before.get("certificate") and after.get("certificate") != before["certificate"]:
        errors.forbidden("status.certificate", "updates may not modify existing certificate content")
    kept = {each.get("type") for each in after.get("conditions") or ()}
    for each in before.get("conditions") or ():
        if each.get("type") in _FINAL_CONDITIONS and each["type"] not in kept:
            text = f"updates may not remove a condition of type {quote(each['type'])}"
            errors.forbidden("status.conditions", text)
    for i, each in enumerate(after.get("conditions") or ()):
        if not each.get("type"):
            errors.required(f"status.conditions[{i}].type")
        elif each["type"] in _FINAL_CONDITIONS and each.get("status") != "True":
            errors.not_supported(f"status.conditions[{i}].status", each.get("status"), ["True"])
    if {"Approved", "Denied"} <= kept:
        errors.invalid("status.conditions", "", "Approved and Denied conditions are mutually exclusive")


def update_certificate_request_status(errors: Errors, new: Object, old: Object) -> None:
    update_certificate_request(errors, new, old)
    certificate = (new.get("status") or {}).get("certificate")
    if certificate and certificate != (old.get("status") or {}).get("certificate"):
        try:
            found = base64.b64decode(certificate)
        except ValueError:
            found = b""
        if b"-----BEGIN CERTIFICATE-----" not in found:
            errors.invalid(
                "status.certificate", "<certificate data>", "must contain at least one CERTIFICATE PEM block"
            )


def _signer(errors: Errors, signer: str, path: str) -> None:
    if not signer:
        errors.required(path)
        return
    domain, slash, rest = signer.partition("/")
    if not (slash and rest) or "/" in rest:
        errors.invalid(path, signer, "must be a fully qualified domain and path of the form 'example.com/signer-name'")
        return
    errors.each(path, domain, names.dns1123_subdomain(domain))
    if "." not in domain:
        text = "should be a domain with at least two segments separated by dots"
        errors.invalid(path, domain, text)
    errors.each(path, rest, names.dns1123_subdomain(rest))


def api_service(errors: Errors, obj: Object) -> None:
    spec, name = obj.get("spec") or {}, (obj.get("metadata") or {}).get("name") or ""
    group, version = spec.get("group") or "", spec.get("version") or ""
    expected = f"{version}.{group}"
    if name != expected:
        errors.invalid("metadata.name", name, f'must be `spec.version+"."+spec.group`: {quote(expected)}')
    if group:
        errors.each("spec.group", group, names.dns1123_subdomain(group))
    errors.each("spec.version", version, names.dns1035_label(version))
    for key, most in (("groupPriorityMinimum", 20_000), ("versionPriority", 1_000)):
        value = spec.get(key) or 0
        if not 1 <= value <= most:
            errors.invalid(f"spec.{key}", value, f"must be positive and less than {most}")
    service = spec.get("service")
    if service is None:
        if spec.get("caBundle"):
            errors.invalid(
                "spec.caBundle", f"{len(spec['caBundle'])} bytes", "local APIServices may not have a caBundle"
            )
        if spec.get("insecureSkipTLSVerify"):
            text = "local APIServices may not have insecureSkipTLSVerify"
            errors.invalid("spec.insecureSkipTLSVerify", True, text)
        return
    for key in ("namespace", "name"):
        if not service.get(key):
            errors.required(f"spec.service.{key}")
    if spec.get("insecureSkipTLSVerify") and spec.get("caBundle"):
        errors.invalid("spec.insecureSkipTLSVerify", True, "may not be true if caBundle is present")


DISRUPTION_BUDGETS = Rules(create=disruption_budget, status=budget_status)
PRIORITY_CLASSES = Rules(create=priority_class, update=update_priority_class)
LEASES = Rules(create=lease)
RUNTIME_CLASSES = Rules(create=runtime_class, update=update_runtime_class)
CERTIFICATE_REQUESTS = Rules(
    name=names.path_segment, create=certificate_request, status=update_certificate_request_status
)
CERTIFICATE_APPROVAL = Rules(update=update_certificate_request)
API_SERVICES = Rules(name=names.path_segment, create=api_service)
