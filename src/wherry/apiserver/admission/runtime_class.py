"""RuntimeClass: what the class of a pod adds to its resources and to where it may run.

Source: plugin/pkg/admission/runtimeclass, KEP-688 (pod overhead), KEP-585.
"""

from __future__ import annotations

from wherry.api.types import Object
from wherry.apiserver.admission.attributes import Attributes
from wherry.apiserver.objects import decoded
from wherry.apiserver.registry import storage_prefix

_CLASSES = storage_prefix("node.k8s.io", "runtimeclasses")
_DIFFERENT = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
_WITHOUT = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"


def on_create(attributes: Attributes) -> None:
    pod = attributes.obj
    if pod is None or (found := _class(attributes, pod)) is None:
        return
    spec, overhead = pod["spec"], _overhead(found)
    if overhead:
        if spec.get("overhead") and spec["overhead"] != overhead:
            raise attributes.forbid(_DIFFERENT)
        spec["overhead"] = dict(overhead)
    scheduling = found.get("scheduling") or {}
    _select_nodes(attributes, spec, scheduling.get("nodeSelector") or {})
    if added := [each for each in scheduling.get("tolerations") or () if each not in (spec.get("tolerations") or ())]:
        spec["tolerations"] = [*(spec.get("tolerations") or ()), *(dict(each) for each in added)]


def check(attributes: Attributes) -> None:
    """After validation: only the class can give a pod its overhead."""
    pod = attributes.obj
    if pod is None:
        return
    given = pod["spec"].get("overhead") or {}
    found = _class(attributes, pod)
    overhead = _overhead(found) if found is not None else {}
    if overhead and given != overhead:
        raise attributes.forbid(_DIFFERENT)
    if given and not overhead:
        raise attributes.forbid(_WITHOUT)


def _class(attributes: Attributes, pod: Object) -> Object | None:
    name = pod["spec"].get("runtimeClassName")
    if not name:
        return None
    entry = attributes.parts.store.get(_CLASSES + name)
    if entry is None:
        raise attributes.forbid(f'pod rejected: RuntimeClass "{name}" not found')
    return decoded(entry)


def _overhead(runtime_class: Object) -> Object:
    found: Object = (runtime_class.get("overhead") or {}).get("podFixed") or {}
    return found


def _select_nodes(attributes: Attributes, spec: Object, wanted: Object) -> None:
    own: Object = spec.get("nodeSelector") or {}
    for key, value in wanted.items():
        if own.get(key, value) != value:
            raise attributes.forbid(
                f"conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value};"
                f" pod.spec.nodeSelector[{key}] = {own[key]}"
            )
    if wanted:
        spec["nodeSelector"] = {**own, **wanted}
