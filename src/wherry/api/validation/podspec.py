"""The spec of a pod, alone or inside a template. Source: `ValidatePodSpec`, `ValidatePodTemplateSpec`."""

from __future__ import annotations

from wherry.api.types import Object
from wherry.api.validation import containers
from wherry.api.validation.containers import PodContext
from wherry.api.validation.errors import Errors
from wherry.api.validation.fields import ip
from wherry.api.validation.labels import annotation_map, labels
from wherry.api.validation.pod_level import pod_resources
from wherry.api.validation.pod_os import operating_system
from wherry.api.validation.resources import quantity_value, resource_name
from wherry.api.validation.scheduling import affinity, tolerations, topology_spread
from wherry.api.validation.security import pod_security
from wherry.api.validation.volumes import volumes
from wherry.machinery import names

_RESTART_POLICIES = ("Always", "OnFailure", "Never")
_DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_MAX_INT32 = 2**31 - 1
_MAX_HOSTNAME = 64


def pod_spec(errors: Errors, spec: Object, path: str, *, pod_name: str = "", in_pod: bool = False) -> None:
    """`in_pod` for the spec of a Pod itself; inside templates some rules are looser."""
    grace = spec.get("terminationGracePeriodSeconds")
    if grace is None:
        errors.required(f"{path}.terminationGracePeriodSeconds")
    found = spec.get("volumes")
    good = volumes(errors, found, pod_name, f"{path}.volumes") if found else {}
    restart_policy = spec.get("restartPolicy") or ""
    pod = PodContext(
        good,
        grace,
        restart_policy,
        spec.get("hostUsers") is not False,
        in_pod,
        _claims(errors, spec["resourceClaims"], f"{path}.resourceClaims")
        if spec.get("resourceClaims")
        else frozenset(),
    )
    regulars, inits = spec.get("containers") or [], spec.get("initContainers") or []
    containers.regular(errors, regulars, pod, f"{path}.containers")
    if inits:
        containers.init(errors, inits, regulars, pod, f"{path}.initContainers")
    if ephemerals := spec.get("ephemeralContainers"):
        containers.ephemeral(errors, ephemerals, [*regulars, *inits], pod, f"{path}.ephemeralContainers")
    if restart_policy not in _RESTART_POLICIES:
        _policy(errors, restart_policy, f"{path}.restartPolicy", _RESTART_POLICIES)
    dns_policy = spec.get("dnsPolicy") or ""
    if dns_policy not in _DNS_POLICIES:
        _policy(errors, dns_policy, f"{path}.dnsPolicy", _DNS_POLICIES)
    _rest(errors, spec, path, in_pod)


def _policy(errors: Errors, value: str, path: str, known: tuple[str, ...]) -> None:
    if not value:
        errors.required(path)
    else:
        errors.not_supported(path, value, known)


def _rest(errors: Errors, spec: Object, path: str, in_pod: bool) -> None:
    """The parts that most pods do not have."""
    if spec.get("resources"):
        pod_resources(errors, spec, path)
    if spec.get("hostNetwork"):
        _host_network(errors, spec, path, in_pod)
    if found := spec.get("nodeSelector"):
        labels(errors, found, f"{path}.nodeSelector")
    if context := spec.get("securityContext"):
        pod_security(errors, context, spec, f"{path}.securityContext")
    if found := spec.get("affinity"):
        affinity(errors, found, f"{path}.affinity")
    if spec.get("dnsConfig") is not None or spec.get("dnsPolicy") == "None":
        _dns_config(errors, spec.get("dnsConfig"), spec.get("dnsPolicy"), f"{path}.dnsConfig")
    for i, gate in enumerate(spec.get("readinessGates") or ()):
        kind = gate.get("conditionType") or ""
        errors.each(f"{path}.readinessGates[{i}].conditionType", kind, names.label_key(kind))
    if gates := spec.get("schedulingGates"):
        _scheduling_gates(errors, gates, f"{path}.schedulingGates")
    if found := spec.get("topologySpreadConstraints"):
        topology_spread(errors, found, f"{path}.topologySpreadConstraints")
    if spec.get("hostUsers") is False:
        _host_users(errors, spec, path)
    _names(errors, spec, path)
    if found := spec.get("tolerations"):
        tolerations(errors, found, f"{path}.tolerations")
    if found := spec.get("hostAliases"):
        _host_aliases(errors, found, f"{path}.hostAliases")
    _few(errors, spec, path)


_NAME_FIELDS = (
    ("serviceAccountName", names.dns1123_subdomain),
    ("nodeName", names.dns1123_subdomain),
    ("hostname", names.dns1123_label),
    ("subdomain", names.dns1123_label),
    ("priorityClassName", names.dns1123_subdomain),
    ("runtimeClassName", names.dns1123_subdomain),
)


def _names(errors: Errors, spec: Object, path: str) -> None:
    for key, rule in _NAME_FIELDS:
        if (value := spec.get(key)) and (messages := rule(value)):
            errors.each(f"{path}.{key}", value, messages)


def _few(errors: Errors, spec: Object, path: str) -> None:
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= _MAX_INT32:
        errors.invalid(f"{path}.activeDeadlineSeconds", deadline, names.between(1, _MAX_INT32))
    policy = spec.get("preemptionPolicy")
    if policy and policy not in ("PreemptLowerPriority", "Never"):
        errors.not_supported(f"{path}.preemptionPolicy", policy, ("PreemptLowerPriority", "Never"))
    for name, value in (spec.get("overhead") or {}).items():
        where = f"{path}.overhead[{name}]"
        errors.each(where, name, resource_name(name))
        quantity_value(errors, name, value, where)
    if spec.get("os") is not None:
        operating_system(errors, spec, path)
    if (override := spec.get("hostnameOverride")) is not None:
        errors.each(f"{path}.hostnameOverride", override, names.dns1123_subdomain(override))
        if len(override) > _MAX_HOSTNAME:
            errors.too_long(f"{path}.hostnameOverride", _MAX_HOSTNAME)
    for i, secret in enumerate(spec.get("imagePullSecrets") or ()):
        if set(secret) - {"name"}:
            errors.invalid(f"{path}.imagePullSecrets[{i}]", secret, "only name may be set")


def _claims(errors: Errors, claims: list[Object], path: str) -> frozenset[str]:
    seen: set[str] = set()
    for i, claim in enumerate(claims):
        name, where = claim.get("name") or "", f"{path}[{i}]"
        if not name:
            errors.required(f"{where}.name")
        elif name in seen:
            errors.duplicate(f"{where}.name", name)
        else:
            errors.each(f"{where}.name", name, names.dns1123_label(name))
            seen.add(name)
        given = [key for key in ("resourceClaimName", "resourceClaimTemplateName") if claim.get(key) is not None]
        if len(given) == 2:
            text = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
            errors.invalid(where, claim, text)
        elif not given:
            text = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"
            errors.invalid(where, claim, text)
        for key in given:
            errors.each(f"{where}.{key}", claim[key], names.dns1123_subdomain(claim[key]))
    return frozenset(seen)


def _host_network(errors: Errors, spec: Object, path: str, in_pod: bool) -> None:
    for i, container in enumerate(spec.get("containers") or ()):
        for j, port in enumerate(container.get("ports") or ()):
            host, own = port.get("hostPort") or 0, port.get("containerPort")
            if host != own and (in_pod or host):
                text = "must match `containerPort` when `hostNetwork` is true"
                errors.invalid(f"{path}.containers[{i}].ports[{j}].hostPort", host, text)


def _host_users(errors: Errors, spec: Object, path: str) -> None:
    for key, shown in (("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")):
        if spec.get(key):
            errors.forbidden(f"{path}.{shown}", "when `pod.Spec.HostUsers` is false")


def _dns_config(errors: Errors, config: Object | None, policy: str | None, path: str) -> None:
    if policy == "None":
        if config is None:
            errors.required(path, "must provide `dnsConfig` when `dnsPolicy` is None")
            return
        if not config.get("nameservers"):
            text = "must provide at least one DNS nameserver when `dnsPolicy` is None"
            errors.required(f"{path}.nameservers", text)
            return
    servers, searches = (config or {}).get("nameservers") or [], (config or {}).get("searches") or []
    if len(servers) > 3:
        errors.invalid(f"{path}.nameservers", servers, "must not have more than 3 nameservers")
    for i, server in enumerate(servers):
        ip(errors, server, f"{path}.nameservers[{i}]")
    if len(searches) > 32:
        errors.invalid(f"{path}.searches", searches, "must not have more than 32 search paths")
    if len(" ".join(searches)) > 2048:
        text = "must not have more than 2048 characters (including spaces) in the search list"
        errors.invalid(f"{path}.searches", searches, text)
    for i, search in enumerate(searches):
        if search != ".":
            trimmed = search.removesuffix(".")
            errors.each(f"{path}.searches[{i}]", trimmed, names.dns1123_subdomain_underscored(trimmed))
    for i, option in enumerate((config or {}).get("options") or ()):
        if not option.get("name"):
            errors.required(f"{path}.options[{i}]", "must not be empty")


def _scheduling_gates(errors: Errors, gates: list[Object], path: str) -> None:
    seen: set[str] = set()
    for i, gate in enumerate(gates):
        name = gate.get("name") or ""
        errors.each(f"{path}[{i}]", name, names.label_key(name))
        if name in seen:
            errors.duplicate(f"{path}[{i}]", name)
        seen.add(name)


def _host_aliases(errors: Errors, aliases: list[Object], path: str) -> None:
    for i, alias in enumerate(aliases):
        ip(errors, alias.get("ip"), f"{path}[{i}].ip")
        for j, host in enumerate(alias.get("hostnames") or ()):
            errors.each(f"{path}[{i}].hostnames[{j}]", host, names.dns1123_subdomain(host))


def spec_of_pod(errors: Errors, obj: Object) -> None:
    """The spec of a Pod, with what holds for pods but not for templates."""
    spec = obj.get("spec") or {}
    pod_spec(errors, spec, "spec", pod_name=(obj.get("metadata") or {}).get("name") or "", in_pod=True)
    if not spec.get("serviceAccountName") and spec.get("volumes"):
        _no_tokens(errors, spec["volumes"])
    for key in ("containers", "initContainers"):
        for i, container in enumerate(spec.get(key) or ()):
            containers.image_spaces(errors, container, f"spec.{key}[{i}]")


def _no_tokens(errors: Errors, volumes: list[Object]) -> None:
    for i, volume in enumerate(volumes):
        for j, source in enumerate((volume.get("projected") or {}).get("sources") or ()):
            if source.get("serviceAccountToken") is not None:
                errors.forbidden(
                    f"spec.volumes[{i}].projected.sources[{j}].serviceAccountToken",
                    "must not be specified when serviceAccountName is not set",
                )


def template(errors: Errors, found: Object, path: str) -> None:
    """A PodTemplateSpec."""
    metadata, spec = found.get("metadata") or {}, found.get("spec") or {}
    labels(errors, metadata.get("labels"), f"{path}.labels")
    annotation_map(errors, metadata.get("annotations"), f"{path}.annotations")
    pod_spec(errors, spec, f"{path}.spec")
    if spec.get("ephemeralContainers"):
        errors.forbidden(f"{path}.spec.ephemeralContainers", "ephemeral containers not allowed in pod template")
