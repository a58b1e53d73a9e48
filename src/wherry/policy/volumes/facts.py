"""Reading volumes, claims and classes; the annotations that binding leaves on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from wherry.api.types import Object
from wherry.api.volume_fields import NOT_SOURCES
from wherry.machinery.quantity import parse

BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
PROVISIONER = "volume.kubernetes.io/storage-provisioner"
PROVISIONER_BEFORE = "volume.beta.kubernetes.io/storage-provisioner"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_DEFAULT_CLASS_BEFORE = "storageclass.beta.kubernetes.io/is-default-class"
_CLASS_BEFORE = "volume.beta.kubernetes.io/storage-class"
NO_PROVISIONER = "kubernetes.io/no-provisioner"


def marks(obj: Object) -> Mapping[str, str]:
    return obj["metadata"].get("annotations") or {}


def phase(obj: Object) -> str:
    """Of a volume or a claim."""
    return (obj.get("status") or {}).get("phase") or "Pending"


def class_of(obj: Object) -> str:
    """The storage class of a volume or a claim; empty for none."""
    before = marks(obj).get(_CLASS_BEFORE)
    return before if before is not None else obj["spec"].get("storageClassName") or ""


def names_class(claim: Object) -> bool:
    """Whether a claim says anything of its class, be it that it wants none."""
    return claim["spec"].get("storageClassName") is not None or _CLASS_BEFORE in marks(claim)


def mode_of(obj: Object) -> str:
    return obj["spec"].get("volumeMode") or "Filesystem"


def requested(claim: Object) -> int:
    """In nanobytes, so that fractions compare exactly."""
    return _storage(((claim["spec"].get("resources") or {}).get("requests")) or {})


def capacity(volume: Object) -> int:
    """In nanobytes."""
    return _storage(volume["spec"].get("capacity") or {})


def _storage(amounts: Mapping[str, str]) -> int:
    return parse(amounts["storage"]).nanos if "storage" in amounts else 0


def is_bound_to(volume: Object, claim: Object) -> bool:
    """Whether the volume is meant for that claim; one that names it without a uid waits for it."""
    reference = volume["spec"].get("claimRef")
    metadata = claim["metadata"]
    return (
        reference is not None
        and (reference.get("namespace"), reference.get("name")) == (metadata["namespace"], metadata["name"])
        and reference.get("uid", "") in ("", metadata["uid"])
    )


def is_fully_bound(claim: Object) -> bool:
    return bool(claim["spec"].get("volumeName")) and BIND_COMPLETED in marks(claim)


def waits_for_consumer(class_: Object | None) -> bool:
    return class_ is not None and class_.get("volumeBindingMode") == "WaitForFirstConsumer"


def is_default_class(class_: Object) -> bool:
    found = marks(class_)
    return "true" in (found.get(DEFAULT_CLASS), found.get(_DEFAULT_CLASS_BEFORE))


def default_class(classes: Iterable[Object]) -> Object | None:
    """The newest of those that are marked; of several made in one second, the first by name."""
    marked = [class_ for class_ in classes if is_default_class(class_)]
    marked.sort(key=lambda class_: class_["metadata"]["name"])
    return max(marked, key=lambda class_: class_["metadata"].get("creationTimestamp", ""), default=None)


def source_of(volume: Object) -> str:
    """The kind of storage behind a volume: `local`, `hostPath`, `csi`, `nfs` and so on."""
    return next((key for key in volume["spec"] if key not in NOT_SOURCES), "")


def claims_of(pod: Object) -> Iterator[tuple[str, str, bool]]:
    """The claims of a pod's volumes: volume, claim, and whether the claim is made for that very pod."""
    for volume in pod["spec"].get("volumes") or ():
        if (source := volume.get("persistentVolumeClaim")) is not None:
            yield volume["name"], source["claimName"], False
        elif "ephemeral" in volume:
            yield volume["name"], ephemeral_name(pod, volume["name"]), True


def ephemeral_name(pod: Object, volume: str) -> str:
    """Of the claim that is made for a pod's own volume."""
    return f"{pod['metadata']['name']}-{volume}"


def is_made_for(claim: Object, pod: Object) -> bool:
    """Whether a claim of that name was made for this pod, and is not somebody's own."""
    uid = pod["metadata"].get("uid")
    return any(r.get("controller") and r["uid"] == uid for r in claim["metadata"].get("ownerReferences") or ())


def not_made_for(claim: Object, pod: Object) -> str:
    """What to say of a claim that has the name but was not made for the pod."""
    which, whose = claim["metadata"], pod["metadata"]
    return (
        f"PVC {which['namespace']}/{which['name']} was not created for pod {whose['namespace']}/{whose['name']} "
        "(pod is not owner)"
    )


def dirty(obj: Object, **spec: object) -> Object:
    """A copy with other fields in its spec."""
    return {**obj, "spec": {**obj["spec"], **spec}}


def annotated(obj: Object, **changes: str | None) -> Object:
    """A copy with other annotations; None takes one away. Names are given with a dictionary."""
    kept = {key: value for key, value in marks(obj).items() if key not in changes}
    kept |= {key: value for key, value in changes.items() if value is not None}
    return {**obj, "metadata": {**obj["metadata"], "annotations": kept}}
