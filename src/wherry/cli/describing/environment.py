"""The variables of a container."""

from __future__ import annotations

from collections.abc import Callable

from wherry.api.types import Object
from wherry.cli.describing.words import go
from wherry.cli.describing.writer import Writer


def environment(out: Writer, spec: Object, resolve: Callable[[Object, Object], str] | None) -> None:
    if sources := spec.get("envFrom"):
        out.line("Environment Variables from:", 2)
        for source in sources:
            _source(out, source)
    variables = spec.get("env") or ()
    out.line("Environment:" if variables else "Environment:\t<none>", 2)
    for variable in variables:
        _variable(out, spec, variable, resolve)


def _source(out: Writer, source: Object) -> None:
    kind = "ConfigMap" if source.get("configMapRef") is not None else "Secret"
    reference = source.get("configMapRef") or source.get("secretRef") or {}
    how = f"{kind} with prefix '{source['prefix']}'" if source.get("prefix") else kind
    out.line(f"{reference.get('name', '')}\t{how}\tOptional: {go(reference.get('optional'))}", 3)


def _variable(out: Writer, spec: Object, variable: Object, resolve: Callable[[Object, Object], str] | None) -> None:
    name, source = variable["name"], variable.get("valueFrom")
    if source is None:
        first, *rest = variable.get("value", "").split("\n")
        out.field(name, first, 3)
        for line in rest:
            out.line(f"\t{line}", 3)
        return
    value = resolve(spec, variable) if resolve else ""
    if (field := source.get("fieldRef")) is not None:
        out.field(name, f"{value} ({field.get('apiVersion', 'v1')}:{field['fieldPath']})", 3)
    elif (resource := source.get("resourceFieldRef")) is not None:
        if value == "0" and resource["resource"] in ("limits.cpu", "limits.memory"):
            value = "node allocatable"
        out.field(name, f"{value} ({resource['resource']})", 3)
    elif (secret := source.get("secretKeyRef")) is not None:
        text = f"<set to the key '{secret['key']}' in secret '{secret.get('name', '')}'>"
        out.field(name, f"{text}\tOptional: {go(secret.get('optional'))}", 3)
    elif (entry := source.get("configMapKeyRef")) is not None:
        text = f"<set to the key '{entry['key']}' of config map '{entry.get('name', '')}'>"
        out.field(name, f"{text}\tOptional: {go(entry.get('optional'))}", 3)
