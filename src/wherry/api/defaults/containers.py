"""Defaults of a container: image pull policy, termination message, ports, environment, probes, hooks.

Every created pod passes through here, so the code is plain and looks at a field only once.
Source: `SetDefaults_Container` and its neighbours in pkg/apis/core/v1/defaults.go.
"""

from __future__ import annotations

from functools import lru_cache

from wherry.api.defaults.quantities import resource_list
from wherry.api.types import Object

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_HOOKS = ("postStart", "preStop")
_PROBE_NUMBERS = (("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3))


@lru_cache(maxsize=4096)
def pull_policy(image: str) -> str:
    """`Always` for the tag latest, named or implied; else `IfNotPresent`."""
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return "Always" if tag == "latest" or not (tag or digest) else "IfNotPresent"


def container(c: Object) -> None:
    """A container, init container or ephemeral container."""
    if not c.get("imagePullPolicy"):
        c["imagePullPolicy"] = pull_policy(c.get("image") or "")
    if not c.get("terminationMessagePath"):
        c["terminationMessagePath"] = "/dev/termination-log"
    if not c.get("terminationMessagePolicy"):
        c["terminationMessagePolicy"] = "File"
    _resources(c)
    for port in c.get("ports") or ():
        if not port.get("protocol"):
            port["protocol"] = "TCP"
    for entry in c.get("env") or ():
        if source := entry.get("valueFrom"):
            value_source(source)
    for name in _PROBES:
        if (found := c.get(name)) is not None:
            probe(found)
    if hooks := c.get("lifecycle"):
        _lifecycle(hooks)


def _resources(c: Object) -> None:
    resources = c.get("resources")
    if resources is None:
        c["resources"] = {}
        return
    for key in ("limits", "requests"):
        if quantities := resources.get(key):
            resource_list(quantities)


def value_source(source: Object) -> None:
    """`valueFrom` of an environment entry, or an item of a downward API volume."""
    if (field := source.get("fieldRef")) and not field.get("apiVersion"):
        field["apiVersion"] = "v1"
    if (ref := source.get("resourceFieldRef")) and ref.get("divisor") is None:
        ref["divisor"] = "0"
    if (file := source.get("fileKeyRef")) and file.get("optional") is None:
        file["optional"] = False


def probe(found: Object) -> None:
    for key, value in _PROBE_NUMBERS:
        if not found.get(key):
            found[key] = value
    _handler(found)
    if (grpc := found.get("grpc")) is not None and grpc.get("service") is None:
        grpc["service"] = ""


def _handler(handler: Object) -> None:
    get = handler.get("httpGet")
    if get is not None:
        if not get.get("path"):
            get["path"] = "/"
        if not get.get("scheme"):
            get["scheme"] = "HTTP"


def _lifecycle(hooks: Object) -> None:
    for name in _HOOKS:
        if hook := hooks.get(name):
            _handler(hook)
