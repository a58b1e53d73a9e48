"""Jobs make their own selector: pods of a job carry its uid. Source: pkg/registry/batch/job/strategy.go."""

from __future__ import annotations

from wherry.api.types import Object

_NAME_LABELS = ("job-name", "batch.kubernetes.io/job-name")
_UID_LABELS = ("controller-uid", "batch.kubernetes.io/controller-uid")


def job(obj: Object) -> None:
    spec, metadata = obj["spec"], obj["metadata"]
    if not spec.get("manualSelector"):
        _own_selector(spec, metadata)
    labels = spec["template"]["metadata"].get("labels")
    if labels and not metadata.get("labels"):
        metadata["labels"] = dict(labels)


def _own_selector(spec: Object, metadata: Object) -> None:
    template = spec["template"]["metadata"]
    labels = template.get("labels")
    if labels is None:
        labels = template["labels"] = {}
    for key in _NAME_LABELS:
        labels.setdefault(key, metadata["name"])
    for key in _UID_LABELS:
        labels.setdefault(key, metadata["uid"])
    selector = spec.get("selector") or {}
    selector["matchLabels"] = {_UID_LABELS[1]: metadata["uid"], **(selector.get("matchLabels") or {})}
    spec["selector"] = selector


def job_update(new: Object, old: Object) -> None:
    """Everybody rewrites jobs with the manifest they have; the generated part is filled in again."""
    spec, stored = new["spec"], old["spec"]
    if spec.get("selector") is None and stored.get("selector") is not None:
        spec["selector"] = stored["selector"]
