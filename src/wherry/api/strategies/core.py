"""The specials of secrets, namespaces, volumes, autoscalers and certificate requests."""

from __future__ import annotations

from base64 import b64encode

from wherry.api.defaults.core import NAME_LABEL
from wherry.api.types import Object

NAMESPACE_FINALIZER = "kubernetes"
_DECISIONS = ("Approved", "Denied")


def secret(obj: Object) -> None:
    """`stringData` is write-only: its values go, encoded, over those of `data`."""
    plain = obj.pop("stringData", None)
    if plain:
        data = dict(obj.get("data") or {})
        data.update((key, b64encode(value.encode()).decode()) for key, value in plain.items())
        obj["data"] = data


def secret_update(new: Object, old: Object) -> None:
    secret(new)
    # A secret written without a type keeps the one it has.
    if not new.get("type"):
        new["type"] = old.get("type") or "Opaque"


def namespace(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    finalizers = spec.get("finalizers") or []
    if NAMESPACE_FINALIZER not in finalizers:
        spec["finalizers"] = [*finalizers, NAMESPACE_FINALIZER]
    if name := obj["metadata"].get("name"):
        obj["metadata"].setdefault("labels", {})[NAME_LABEL] = name


def namespace_update(new: Object, old: Object) -> None:
    """Only the finalize subresource changes `spec.finalizers`."""
    new["spec"] = {**(new.get("spec") or {}), "finalizers": (old.get("spec") or {}).get("finalizers") or []}


def namespace_finalize(new: Object, old: Object) -> None:
    """The finalize subresource changes nothing but `spec.finalizers`."""
    new["metadata"] = {**old["metadata"], "resourceVersion": new["metadata"].get("resourceVersion", "")}
    if not new["metadata"]["resourceVersion"]:
        new["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"]
    new["status"] = old.get("status", {})


def persistent_volume(obj: Object) -> None:
    created = obj["metadata"].get("creationTimestamp")
    if created:
        obj["status"]["lastPhaseTransitionTime"] = created


def claim(obj: Object) -> None:
    _data_sources(obj["spec"])


def claim_update(new: Object, old: Object) -> None:
    _data_sources(new["spec"])


def _data_sources(spec: Object) -> None:
    """`dataSource` and `dataSourceRef` say the same wherever they can."""
    source, ref = spec.get("dataSource"), spec.get("dataSourceRef")
    if source is not None and ref is None:
        spec["dataSourceRef"] = dict(source)
    elif ref is not None and source is None and not ref.get("namespace"):
        spec["dataSource"] = {key: value for key, value in ref.items() if key != "namespace"}


def autoscaler(obj: Object) -> None:
    old_form = obj.get("apiVersion") == "autoscaling/v1"
    obj["status"] = (
        {"currentReplicas": 0, "desiredReplicas": 0} if old_form else {"currentMetrics": None, "desiredReplicas": 0}
    )


def autoscaler_status(new: Object, old: Object) -> None:
    """What Go always writes of a status: a list that is null where there is none, and the wanted replicas."""
    status = new.setdefault("status", {})
    status.setdefault("currentMetrics", None)
    status.setdefault("desiredReplicas", 0)


def certificate_request_update(new: Object, old: Object) -> None:
    """The request itself never changes."""
    new["spec"] = old.get("spec", {})


def certificate_request_status(new: Object, old: Object) -> None:
    """A status write cannot decide: Approved and Denied stay as the approval subresource left them."""
    kept = [c for c in (old.get("status") or {}).get("conditions") or () if c.get("type") in _DECISIONS]
    status = new.get("status") or {}
    others = [c for c in status.get("conditions") or () if c.get("type") not in _DECISIONS]
    if kept or others:
        new["status"] = {**status, "conditions": [*kept, *others]}


def certificate_request_approval(new: Object, old: Object) -> None:
    """The approval subresource changes nothing but the conditions."""
    conditions = (new.get("status") or {}).get("conditions")
    new["spec"] = old.get("spec", {})
    new["status"] = {**(old.get("status") or {}), **({"conditions": conditions} if conditions else {})}


def lease(obj: Object) -> None:
    """Coordinated election is switched off by default: its fields are dropped."""
    spec = obj.get("spec")
    if spec and ("strategy" in spec or "preferredHolder" in spec):
        obj["spec"] = {key: value for key, value in spec.items() if key not in ("strategy", "preferredHolder")}


def lease_update(new: Object, old: Object) -> None:
    lease(new)
