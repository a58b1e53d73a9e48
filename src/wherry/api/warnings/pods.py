"""Pods and templates of pods. Source: pkg/api/pod/warnings.go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wherry.api.types import Object
from wherry.api.validation.errors import quote
from wherry.machinery import names
from wherry.machinery.quantity import QuantityError, parse

_NODE_LABELS = {
    "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
    "failure-domain.beta.kubernetes.io/region": 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
    "failure-domain.beta.kubernetes.io/zone": 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
    "beta.kubernetes.io/instance-type": 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
}
_ANNOTATIONS = {
    "scheduler.alpha.kubernetes.io/critical-pod": (
        'non-functional in v1.16+; use the "priorityClassName" field instead'
    ),
    "security.alpha.kubernetes.io/sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
    "security.alpha.kubernetes.io/unsafe-sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
}
_VOLUMES = {
    "photonPersistentDisk": "non-functional in v1.16+",
    "gitRepo": "deprecated in v1.11, and disabled by default in v1.33+",
    "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
    "flocker": "deprecated in v1.22, non-functional in v1.25+",
    "storageos": "deprecated in v1.22, non-functional in v1.25+",
    "quobyte": "deprecated in v1.22, non-functional in v1.25+",
    "glusterfs": "deprecated in v1.25, non-functional in v1.26+",
    "cephfs": "deprecated in v1.28, non-functional in v1.31+",
    "rbd": "deprecated in v1.28, non-functional in v1.31+",
}
_BYTES = ("memory", "ephemeral-storage")


def pod(obj: Object) -> Iterator[str]:
    name = obj["metadata"].get("name") or ""
    if messages := names.dns1123_label(name):
        yield (
            "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; "
            f"a DNS label is recommended: [{' '.join(messages)}]"
        )
    yield from of_spec(obj.get("spec") or {}, obj["metadata"], "")


def of_spec(spec: Object, metadata: Object, path: str) -> Iterator[str]:
    """`path` is empty, or that of a template with a dot behind it."""
    for key in spec.get("nodeSelector") or ():
        if key in _NODE_LABELS:
            yield f"{path}spec.nodeSelector[{key}]: {_NODE_LABELS[key]}"
    for key in metadata.get("annotations") or ():
        if key in _ANNOTATIONS:
            yield f"{path}metadata.annotations[{key}]: {_ANNOTATIONS[key]}"
    for i, constraint in enumerate(spec.get("topologySpreadConstraints") or ()):
        where, key = f"{path}spec.topologySpreadConstraints[{i}]", constraint.get("topologyKey")
        if key in _NODE_LABELS:
            yield f"{where}.topologyKey: {key} is {_NODE_LABELS[key]}"
        if constraint.get("labelSelector") is None:
            yield f"{where}.labelSelector: a null labelSelector results in matching no pod"
    for i, volume in enumerate(spec.get("volumes") or ()):
        for kind in volume:
            if kind in _VOLUMES:
                yield f"{path}spec.volumes[{i}].{kind}: {_VOLUMES[kind]}"
    yield from _repeated(spec, path)
    if (spec.get("terminationGracePeriodSeconds") or 0) < 0:
        yield (
            f"{path}spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1"
        )
    for key in ("initContainers", "containers"):
        for i, container in enumerate(spec.get(key) or ()):
            yield from _container(container, f"{path}spec.{key}[{i}]")


def _repeated(spec: Object, path: str) -> Iterator[str]:
    for key, name, said in (("hostAliases", "ip", "ip"), ("imagePullSecrets", "name", "name")):
        seen: set[str] = set()
        for i, item in enumerate(spec.get(key) or ()):
            value, where = item.get(name) or "", f"{path}spec.{key}[{i}].{name}"
            if not value and key == "imagePullSecrets":
                yield f'{where}: invalid empty name ""'
            elif value in seen:
                yield f"{where}: duplicate {said} {quote(value)}"
            seen.add(value)


def _container(container: Object, path: str) -> Iterator[str]:
    if env := container.get("env"):
        yield from _hidden(env, f"{path}.env")
    resources = container.get("resources") or {}
    for part in resources and ("limits", "requests"):
        for name in _BYTES:
            value = (resources.get(part) or {}).get(name)
            if value is not None and _fractional(value):
                yield (
                    f"{path}.resources.{part}[{name}]: fractional byte value {quote(str(value))} is invalid, "
                    "must be an integer"
                )
    if len(ports := container.get("ports") or ()) > 1:
        yield from _ports(ports, f"{path}.ports")


def _hidden(env: list[Object], path: str) -> Iterator[str]:
    """A variable that is set twice, unless the second value is made from the first."""
    seen: set[str] = set()
    for i, entry in enumerate(env):
        name = entry.get("name") or ""
        if name in seen and f"$({name})" not in (entry.get("value") or ""):
            yield f"{path}[{i}]: hides previous definition of {quote(name)}, which may be dropped when using apply"
        seen.add(name)


def _fractional(value: object) -> bool:
    try:
        return parse(str(value)).nanos % 10**9 != 0
    except QuantityError:
        return False


def _ports(ports: Sequence[Object], path: str) -> Iterator[str]:
    seen: dict[tuple[object, ...], int] = {}
    for i, port in enumerate(ports):
        key = tuple(port.get(name) for name in ("containerPort", "protocol", "hostPort", "hostIP"))
        if key in seen:
            yield f"{path}[{i}]: duplicate port definition with {path}[{seen[key]}]"
        else:
            seen[key] = i
