"""Probes and lifecycle hooks. Source: `validateProbe`, `validateHandler`, `validateLifecycle`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wherry.api.types import Object
from wherry.api.validation.errors import Errors
from wherry.api.validation.fields import non_negative, port_or_name
from wherry.machinery import names

_NUMBERS = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")
_PROBE_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")
_HOOK_HANDLERS = ("exec", "httpGet", "tcpSocket", "sleep")


def probes(errors: Errors, container: Object, grace: int | None, path: str) -> None:
    """The three probes of a container that may have them."""
    if (probe := container.get("livenessProbe")) is not None:
        _once(errors, probe, grace, f"{path}.livenessProbe")
    if (probe := container.get("readinessProbe")) is not None:
        where = f"{path}.readinessProbe"
        _probe(errors, probe, grace, where)
        if (seconds := probe.get("terminationGracePeriodSeconds")) is not None:
            errors.invalid(f"{where}.terminationGracePeriodSeconds", seconds, "must not be set for readinessProbes")
    if (probe := container.get("startupProbe")) is not None:
        _once(errors, probe, grace, f"{path}.startupProbe")


def _once(errors: Errors, probe: Object, grace: int | None, path: str) -> None:
    """Liveness and startup: one success is enough, always."""
    _probe(errors, probe, grace, path)
    if (threshold := probe.get("successThreshold")) != 1:
        errors.invalid(f"{path}.successThreshold", threshold, "must be 1")


def _probe(errors: Errors, probe: Object, grace: int | None, path: str) -> None:
    _handler(errors, probe, _PROBE_HANDLERS, grace, path)
    non_negative(errors, probe, path, *_NUMBERS)
    seconds = probe.get("terminationGracePeriodSeconds")
    if seconds is not None and seconds <= 0:
        errors.invalid(f"{path}.terminationGracePeriodSeconds", seconds, "must be greater than 0")


def lifecycle(errors: Errors, hooks: Object, grace: int | None, path: str) -> None:
    for name in ("postStart", "preStop"):
        if (hook := hooks.get(name)) is not None:
            _handler(errors, hook, _HOOK_HANDLERS, grace, f"{path}.{name}")


def _handler(errors: Errors, holder: Object, kinds: tuple[str, ...], grace: int | None, path: str) -> None:
    first = ""
    for kind in kinds:
        action = holder.get(kind)
        if action is None:
            continue
        if first:
            errors.forbidden(f"{path}.{kind}", "may not specify more than 1 handler type")
            continue
        first = kind
        _ACTIONS[kind](errors, action, grace, f"{path}.{kind}")
    if not first:
        errors.required(path, "must specify a handler type")


def _exec(errors: Errors, action: Object, grace: int | None, path: str) -> None:
    if not action.get("command"):
        errors.required(f"{path}.command")


def _http_get(errors: Errors, action: Object, grace: int | None, path: str) -> None:
    if not action.get("path"):
        errors.required(f"{path}.path")
    port_or_name(errors, action.get("port"), f"{path}.port")
    if (scheme := action.get("scheme")) not in ("HTTP", "HTTPS"):
        errors.not_supported(f"{path}.scheme", scheme or "", ("HTTP", "HTTPS"))
    for header in action.get("httpHeaders") or ():
        name = header.get("name") or ""
        errors.each(f"{path}.httpHeaders", name, names.http_header(name))


def _tcp_socket(errors: Errors, action: Object, grace: int | None, path: str) -> None:
    port_or_name(errors, action.get("port"), f"{path}.port")


def _sleep(errors: Errors, action: Object, grace: int | None, path: str) -> None:
    seconds = action.get("seconds") or 0
    if grace is not None and not 0 <= seconds <= grace:
        text = f"must be non-negative and less than terminationGracePeriodSeconds ({grace})"
        errors.invalid(path, seconds, text)


_ACTIONS: dict[str, Callable[[Errors, Any, int | None, str], None]] = {
    "exec": _exec,
    "httpGet": _http_get,
    "tcpSocket": _tcp_socket,
    "grpc": _tcp_socket,
    "sleep": _sleep,
}
