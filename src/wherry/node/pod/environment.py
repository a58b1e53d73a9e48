"""The environment variables of a container, in the kubelet's order of precedence: service links, envFrom, env."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wherry.api.types import Object
from wherry.node.pod import fields, references, service_links, spec
from wherry.node.pod.expansion import expand


class EnvironmentProblem(Exception):
    """A variable that cannot be made: the container waits with `CreateContainerConfigError` and this message."""


def build(
    pod: Object,
    container: Object,
    *,
    lookup: references.Lookup,
    services: Iterable[Object],
    identity: fields.Identity,
    ports: Mapping[int, int] | None = None,
) -> dict[str, str]:
    """Name to value, in order. `ports` are the ports to listen on where they differ from the container's own
    (process runtime): they become `PORT` and `WHERRY_PORT_<container port>`. Raises `EnvironmentProblem`.
    """
    links = pod["spec"].get("enableServiceLinks", True)
    linked = service_links.variables(service_links.visible(services, spec.namespace(pod), links=links))
    try:
        found = _from_objects(container, lookup)
        for variable in container.get("env") or ():
            value = _value(pod, container, variable, {**linked, **found}, lookup, identity)
            if value is not None:
                found[variable["name"]] = value
    except (fields.FieldProblem, references.ReferenceProblem, UnicodeDecodeError) as error:
        raise EnvironmentProblem(str(error)) from error
    for name, value in {**_port_variables(container, ports or {}), **linked}.items():
        found.setdefault(name, value)
    return found


def _from_objects(container: Object, lookup: references.Lookup) -> dict[str, str]:
    """envFrom: whole ConfigMaps and Secrets, later ones win."""
    found: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        prefix = source.get("prefix") or ""
        for resource, field_name in (("configmaps", "configMapRef"), ("secrets", "secretRef")):
            reference = source.get(field_name)
            if not reference:
                continue
            optional = bool(reference.get("optional"))
            values = references.values(lookup, resource, reference["name"], optional=optional)
            for key in sorted(values):
                if _usable_name(name := prefix + key):
                    found[name] = values[key].decode("utf-8", "surrogateescape")
    return found


def _usable_name(name: str) -> bool:
    """Any printable ASCII but the equals sign (KEP-4369)."""
    return bool(name) and "=" not in name and name.isascii() and name.isprintable()


def _value(
    pod: Object,
    container: Object,
    variable: Object,
    known: Mapping[str, str],
    lookup: references.Lookup,
    identity: fields.Identity,
) -> str | None:
    """One variable's value; None when it refers to something optional that is not there."""
    source = variable.get("valueFrom")
    if not source:
        return expand(str(variable.get("value") or ""), known)
    if reference := source.get("fieldRef"):
        return fields.pod_field(pod, reference["fieldPath"], identity)
    if reference := source.get("resourceFieldRef"):
        owner = fields.resource_container(pod, reference, container)
        return fields.resource_field(pod, owner, reference, identity)
    for resource, field_name in (("configmaps", "configMapKeyRef"), ("secrets", "secretKeyRef")):
        if reference := source.get(field_name):
            optional = bool(reference.get("optional"))
            found = references.value(
                lookup, resource, spec.namespace(pod), reference["name"], reference["key"], optional=optional
            )
            return None if found is None else found.decode("utf-8", "surrogateescape")
    raise fields.FieldProblem(f"environment variable {variable['name']} has an unknown source")


def _port_variables(container: Object, ports: Mapping[int, int]) -> dict[str, str]:
    named = [int(port["containerPort"]) for port in container.get("ports") or ()]
    found = {f"WHERRY_PORT_{number}": str(ports[number]) for number in named if number in ports}
    if found:
        found["PORT"] = next(iter(found.values()))
    return found
