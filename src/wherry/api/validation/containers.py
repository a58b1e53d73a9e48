"""Containers of all three sorts: regular, init (with sidecars) and ephemeral.

On the path of every created pod: a part that is not there costs one look-up, and a path is only put together for parts
that are. Source: `validateContainers`, `validateInitContainers`, `validateEphemeralContainers`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from wherry.api.types import Object
from wherry.api.validation.env import env, env_from
from wherry.api.validation.errors import Errors
from wherry.api.validation.mounts import devices, mounts
from wherry.api.validation.probes import lifecycle, probes
from wherry.api.validation.resources import requirements
from wherry.api.validation.security import container_security
from wherry.machinery import names

PROTOCOLS = ("SCTP", "TCP", "UDP")
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_MESSAGE_POLICIES = ("File", "FallbackToLogsOnError")
_RESTART_POLICIES = ("Always", "OnFailure", "Never")
_ONLY_SIDECARS = "may not be set for init containers without restartPolicy=Always"
_NOT_EPHEMERAL = "cannot be set for an Ephemeral Container"
_EPHEMERAL_FORBIDS = (
    "ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "resizePolicy", "resources",
    "restartPolicy", "restartPolicyRules",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PodContext:
    """What a container's checks need to know of its pod; `in_pod` is false inside templates."""

    volumes: dict[str, Object]
    grace: int | None
    restart_policy: str
    host_users: bool
    in_pod: bool
    claims: frozenset[str] = field(default_factory=frozenset)


def regular(errors: Errors, containers: list[Object], pod: PodContext, path: str) -> None:
    if not containers:
        errors.required(path)
        return
    seen: set[str] = set()
    for i, container in enumerate(containers):
        where = f"{path}[{i}]"
        _common(errors, container, pod, where)
        name = container.get("name") or ""
        if name in seen:
            errors.duplicate(f"{where}.name", name)
        seen.add(name)
        if (hooks := container.get("lifecycle")) is not None:
            lifecycle(errors, hooks, pod.grace, f"{where}.lifecycle")
        probes(errors, container, pod.grace, where)
        if container.get("restartPolicy") is not None or container.get("restartPolicyRules"):
            _restart(errors, container, where)
    _host_ports(errors, containers, path)


def init(errors: Errors, containers: list[Object], others: list[Object], pod: PodContext, path: str) -> None:
    seen = {container.get("name") for container in others}
    for i, container in enumerate(containers):
        where = f"{path}[{i}]"
        _common(errors, container, pod, where)
        if container.get("restartPolicy") is not None or container.get("restartPolicyRules"):
            _restart(errors, container, where)
        name = container.get("name")
        if name in seen:
            errors.duplicate(f"{where}.name", name)
        elif name:
            seen.add(name)
        # Init containers run one after the other: each may have the same host port.
        _host_ports(errors, [container], path)
        if container.get("restartPolicy") == "Always":
            if (hooks := container.get("lifecycle")) is not None:
                lifecycle(errors, hooks, pod.grace, f"{where}.lifecycle")
            probes(errors, container, pod.grace, where)
            continue
        for key in ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe"):
            if container.get(key) is not None:
                errors.forbidden(f"{where}.{key}", _ONLY_SIDECARS)


def ephemeral(errors: Errors, containers: list[Object], others: list[Object], pod: PodContext, path: str) -> None:
    targets = {container.get("name") for container in others}
    seen = set(targets)
    for i, container in enumerate(containers):
        where = f"{path}[{i}]"
        _common(errors, container, pod, where)
        image_spaces(errors, container, where)
        name, target = container.get("name"), container.get("targetContainerName")
        if name in seen:
            errors.duplicate(f"{where}.name", name)
        seen.add(name)
        if target and target not in targets:
            errors.not_found(f"{where}.targetContainerName", target)
        for key in _EPHEMERAL_FORBIDS:
            if container.get(key):
                errors.forbidden(f"{where}.{key}", _NOT_EPHEMERAL)
        for j, mount in enumerate(container.get("volumeMounts") or ()):
            for key in ("subPath", "subPathExpr"):
                if mount.get(key):
                    errors.forbidden(f"{where}.volumeMounts[{j}].{key}", _NOT_EPHEMERAL)


def image_spaces(errors: Errors, container: Object, path: str) -> None:
    image = container.get("image") or ""
    if image != image.strip():
        errors.invalid(f"{path}.image", image, "must not have leading or trailing whitespace")


def _common(errors: Errors, container: Object, pod: PodContext, path: str) -> None:
    name = container.get("name")
    if not name:
        errors.required(f"{path}.name")
    elif messages := names.dns1123_label(name):
        errors.each(f"{path}.name", name, messages)
    if not container.get("image"):
        errors.required(f"{path}.image")
    policy = container.get("terminationMessagePolicy")
    if policy not in _MESSAGE_POLICIES:
        _unknown(errors, policy, f"{path}.terminationMessagePolicy", _MESSAGE_POLICIES)
    if found := container.get("ports"):
        _ports(errors, found, f"{path}.ports")
    if found := container.get("env"):
        env(errors, found, f"{path}.env")
    if found := container.get("envFrom"):
        env_from(errors, found, f"{path}.envFrom")
    if found := container.get("volumeMounts"):
        mounts(errors, container, found, pod.volumes, f"{path}.volumeMounts")
    if found := container.get("volumeDevices"):
        devices(errors, container, found, pod.volumes, f"{path}.volumeDevices")
    policy = container.get("imagePullPolicy")
    if policy not in _PULL_POLICIES:
        _unknown(errors, policy, f"{path}.imagePullPolicy", _PULL_POLICIES)
    if found := container.get("resources"):
        requirements(errors, found, f"{path}.resources", claims=pod.claims)
    if found := container.get("resizePolicy"):
        _resize_policy(errors, found, pod.restart_policy, f"{path}.resizePolicy")
    if found := container.get("securityContext"):
        container_security(errors, found, f"{path}.securityContext", host_users=pod.host_users)


def _unknown(errors: Errors, value: str | None, path: str, supported: tuple[str, ...]) -> None:
    if not value:
        errors.required(path)
    else:
        errors.not_supported(path, value, supported)


def _ports(errors: Errors, ports: list[Object], path: str) -> None:
    seen: set[str] = set()
    for i, port in enumerate(ports):
        if name := port.get("name"):
            if messages := names.port_name(name):
                errors.each(f"{path}[{i}].name", name, messages)
            elif name in seen:
                errors.duplicate(f"{path}[{i}].name", name)
            seen.add(name)
        number = port.get("containerPort")
        if not number:
            errors.required(f"{path}[{i}].containerPort")
        elif messages := names.port_number(number):
            errors.each(f"{path}[{i}].containerPort", number, messages)
        if (host := port.get("hostPort")) and (messages := names.port_number(host)):
            errors.each(f"{path}[{i}].hostPort", host, messages)
        if (protocol := port.get("protocol")) not in PROTOCOLS:
            _unknown(errors, protocol, f"{path}[{i}].protocol", PROTOCOLS)


def _host_ports(errors: Errors, containers: list[Object], path: str) -> None:
    seen: set[str] = set()
    for i, container in enumerate(containers):
        for j, port in enumerate(container.get("ports") or ()):
            if not port.get("hostPort"):
                continue
            key = f"{port.get('protocol')}/{port.get('hostIP') or ''}/{port['hostPort']}"
            if key in seen:
                errors.duplicate(f"{path}[{i}].ports[{j}].hostPort", key)
            seen.add(key)


def _restart(errors: Errors, container: Object, path: str) -> None:
    """A container's own restart policy and rules (KEP-5307)."""
    policy, rules = container.get("restartPolicy"), container.get("restartPolicyRules") or ()
    if policy is not None and policy not in _RESTART_POLICIES:
        errors.not_supported(f"{path}.restartPolicy", policy, _RESTART_POLICIES)
    if rules and policy is None:
        errors.required(f"{path}.restartPolicy", "must specify restartPolicy when restart rules are used")
    for i, rule in enumerate(rules):
        where = f"{path}.restartPolicyRules[{i}]"
        if (action := rule.get("action")) not in ("Restart", "RestartAllContainers"):
            _unknown(errors, action, f"{where}.action", ("Restart", "RestartAllContainers"))
        codes = rule.get("exitCodes")
        if codes is None:
            errors.required(f"{where}.exitCodes", "must be specified")
        elif codes.get("operator") not in ("In", "NotIn"):
            _unknown(errors, codes.get("operator"), f"{where}.exitCodes.operator", ("In", "NotIn"))


def _resize_policy(errors: Errors, policies: list[Object], restart_policy: str, path: str) -> None:
    seen: set[str] = set()
    known = ("NotRequired", "RestartContainer")
    for i, policy in enumerate(policies):
        name, restart = policy.get("resourceName") or "", policy.get("restartPolicy") or ""
        if name in seen:
            errors.duplicate(f"{path}[{i}]", name)
        seen.add(name)
        if name not in ("cpu", "memory"):
            _unknown(errors, name, path, ("cpu", "memory"))
        if restart not in known:
            _unknown(errors, restart, path, known)
        if restart_policy == "Never" and restart != "NotRequired":
            errors.invalid(path, restart, "must be 'NotRequired' when `restartPolicy` is 'Never'")
