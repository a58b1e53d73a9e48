"""Resources of a pod as a whole against those of its containers (KEP-2837). Source: `validatePodResourceConsistency`."""

from __future__ import annotations

from wherry.api.pod_resources import amounts, containers_peak
from wherry.api.types import Object
from wherry.api.validation.errors import Errors
from wherry.api.validation.resources import requirements

_HUGE_PAGES = "hugepages-"


def pod_resources(errors: Errors, spec: Object, path: str) -> None:
    """`spec.resources`; `path` is that of the spec."""
    resources, where = spec.get("resources") or {}, f"{path}.resources"
    if resources.get("claims") is not None:
        errors.forbidden(f"{where}.claims", "claims cannot be set for Resources at pod-level")
    before = len(errors)
    requirements(errors, resources, where, pod_level=True)
    if len(errors) == before:
        _consistent(errors, spec, where)


def _consistent(errors: Errors, spec: Object, path: str) -> None:
    requests, limits = amounts(spec, "requests"), amounts(spec, "limits")
    for name, total in sorted(containers_peak(spec, "requests").items()):
        own = requests.get(name)
        if own is not None and own < total:
            text = f"must be greater than or equal to aggregate container requests of {total}"
            errors.invalid(f"{path}.requests[{name}]", str(own), text)
    for name, total in sorted(containers_peak(spec, "limits").items()):
        own = limits.get(name)
        if name.startswith(_HUGE_PAGES) and own is not None and own < total:
            text = f"must be greater than or equal to aggregate container limits of {total}"
            errors.invalid(f"{path}.limits[{name}]", str(own), text)
    for i, container in enumerate(spec.get("containers") or ()):
        for name, limit in sorted(amounts(container, "limits").items()):
            own = limits.get(name)
            if own is not None and own < limit:
                # Upstream builds this path below that of the pod's resources.
                where = f"{path}.containers[{i}][{name}].limits"
                errors.invalid(where, str(limit), f"must be less than or equal to pod limits of {own}")
