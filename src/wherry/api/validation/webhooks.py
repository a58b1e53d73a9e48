"""Admission webhook configurations. Source: pkg/apis/admissionregistration/validation, apiserver/pkg/util/webhook."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from wherry.api.types import Object
from wherry.api.validation.admission_expressions import match_conditions
from wherry.api.validation.admission_rules import match_parts, operation_rules
from wherry.api.validation.errors import Errors
from wherry.api.validation.fields import choice_if_set
from wherry.api.validation.rules import Rules
from wherry.machinery import names

_REVIEW_VERSIONS = ("v1", "v1beta1")
_SIDE_EFFECTS = ("None", "NoneOnDryRun")
_FORM = "desired format: https://host[:port]/path"


def _configuration(*, mutating: bool) -> Callable[[Errors, Object], None]:
    def check(errors: Errors, obj: Object) -> None:
        seen: set[str] = set()
        for i, hook in enumerate(obj.get("webhooks") or ()):
            path, name = f"webhooks[{i}]", hook.get("name") or ""
            _webhook(errors, hook, path)
            if mutating:
                choice_if_set(
                    errors, hook.get("reinvocationPolicy"), f"{path}.reinvocationPolicy", ("IfNeeded", "Never")
                )
            if name and name in seen:
                errors.duplicate(f"{path}.name", name)
            seen.add(name)

    return check


def _webhook(errors: Errors, hook: Object, path: str) -> None:
    three_segments(errors, hook.get("name") or "", f"{path}.name")
    operation_rules(errors, hook.get("rules") or (), f"{path}.rules")
    choice_if_set(errors, hook.get("failurePolicy"), f"{path}.failurePolicy", ("Fail", "Ignore"))
    match_parts(errors, hook, path)
    match_conditions(errors, hook.get("matchConditions") or (), f"{path}.matchConditions")
    effects, seconds = hook.get("sideEffects"), hook.get("timeoutSeconds")
    if effects is None:
        errors.required(f"{path}.sideEffects", f"must specify one of {', '.join(_SIDE_EFFECTS)}")
    else:
        choice_if_set(errors, effects, f"{path}.sideEffects", _SIDE_EFFECTS)
    if seconds is not None and not 1 <= seconds <= 30:
        text = "the timeout value must be between 1 and 30 seconds"
        errors.invalid(f"{path}.timeoutSeconds", seconds, text)
    client_config(errors, hook.get("clientConfig") or {}, f"{path}.clientConfig")
    review_versions(errors, hook.get("admissionReviewVersions") or [], f"{path}.admissionReviewVersions")


def three_segments(errors: Errors, name: str, path: str) -> None:
    """A fully qualified name such as `check.example.org`."""
    if not name:
        errors.required(path)
    elif messages := names.dns1123_subdomain(name):
        errors.invalid(path, name, ",".join(messages))
    elif name.count(".") < 2:
        errors.invalid(path, name, "should be a domain with at least three segments separated by dots")


def review_versions(errors: Errors, versions: list[str], path: str) -> None:
    """Those of the review objects that a webhook understands."""
    listed = ", ".join(_REVIEW_VERSIONS)
    if not versions:
        errors.required(path, f"must specify one of {listed}")
        return
    for i, version in enumerate(versions):
        if version in versions[:i]:
            errors.invalid(f"{path}[{i}]", version, "duplicate version")
        errors.each(f"{path}[{i}]", version, names.dns1035_label(version))
    if not set(versions) & set(_REVIEW_VERSIONS):
        errors.invalid(path, versions, f"must include at least one of {listed}")


def client_config(errors: Errors, config: Object, path: str) -> None:
    """Where a webhook is: a URL or a service, never both."""
    url, service = config.get("url"), config.get("service")
    if (url is None) == (service is None):
        errors.required(path, "exactly one of url or service is required")
    if url is not None:
        _url(errors, url, f"{path}.url")
    if service is not None:
        _service(errors, service, f"{path}.service")


def _url(errors: Errors, url: str, path: str) -> None:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        errors.invalid(path, url, f"url must be a valid URL: {error}; {_FORM}")
        return
    checks = (
        (parts.scheme == "https", url, "'https' is the only allowed URL scheme"),
        (bool(parts.netloc), parts.netloc, "host must be specified"),
        (parts.username is None, parts.username, "user information is not permitted in the URL"),
        (not parts.fragment, parts.fragment, "fragments are not permitted in the URL"),
        (not parts.query, parts.query, "query parameters are not permitted in the URL"),
    )
    for good, value, text in checks:
        if not good:
            errors.invalid(path, value, f"{text}; {_FORM}")


def _service(errors: Errors, service: Object, path: str) -> None:
    for key in ("name", "namespace"):
        if not service.get(key):
            errors.required(f"{path}.{key}", f"service {key} is required")
    port, where = service.get("port"), service.get("path")
    if port is not None and (messages := names.port_number(port)):
        errors.invalid(f"{path}.port", port, f"port is not valid: {','.join(messages)}")
    if where is not None:
        _service_path(errors, where, f"{path}.path")


def _service_path(errors: Errors, value: str, path: str) -> None:
    if value in ("", "/"):
        return
    if value == "//":
        errors.invalid(path, value, "segment[0] may not be empty")
        return
    if not value.startswith("/"):
        errors.invalid(path, value, "must start with a '/'")
        return
    steps = value[1:].split("/")
    if steps[-1] == "":
        steps.pop()
    for i, step in enumerate(steps):
        if not step:
            errors.invalid(path, value, f"segment[{i}] may not be empty")
            continue
        for message in names.dns1123_subdomain(step):
            errors.invalid(path, value, f"segment[{i}]: {message}")


VALIDATING_WEBHOOKS = Rules(create=_configuration(mutating=False))
MUTATING_WEBHOOKS = Rules(create=_configuration(mutating=True))
