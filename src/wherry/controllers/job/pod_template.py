"""The pods that a job makes. Pure but for the random part of an indexed pod's name, which is given."""

from __future__ import annotations

from wherry.api.types import Object
from wherry.controllers import pods
from wherry.controllers.job import indexes
from wherry.controllers.job.pods_of import FINALIZER

NAME_CHARACTERS = 58
_ENVIRONMENT = "JOB_COMPLETION_INDEX"


def make(job: Object, reference: Object, *, index: int | None = None, suffix: str = "", failures: int = 0) -> Object:
    """A pod; with an index it carries the index in name, host name, label, annotation and environment."""
    name = "" if index is None else _name(job["metadata"]["name"], f"-{index}-", suffix)
    pod = pods.from_template(job["spec"]["template"], job, reference, name=name)
    metadata = pod["metadata"]
    metadata["finalizers"] = [*(metadata.get("finalizers") or ()), FINALIZER]
    if index is None:
        return pod
    text = str(index)
    metadata["annotations"] = {**(metadata.get("annotations") or {}), indexes.ANNOTATION: text}
    metadata["labels"] = {**(metadata.get("labels") or {}), indexes.ANNOTATION: text}
    if job["spec"].get("backoffLimitPerIndex") is not None:
        metadata["annotations"][indexes.FAILURES] = str(failures)
    pod["spec"] = _with_index(pod["spec"], f"{job['metadata']['name']}-{index}")
    return pod


def _name(job: str, index: str, suffix: str) -> str:
    """As long as a generated name may be: the job's own part is cut, the index never."""
    return job[: NAME_CHARACTERS - len(index)] + index + suffix


def _with_index(spec: Object, hostname: str) -> Object:
    field = {"fieldRef": {"fieldPath": f"metadata.labels['{indexes.ANNOTATION}']"}}
    result = {**spec, "hostname": hostname}
    for part in ("containers", "initContainers"):
        if spec.get(part):
            result[part] = [_with_variable(container, field) for container in spec[part]]
    return result


def _with_variable(container: Object, field: Object) -> Object:
    environment = container.get("env") or []
    if any(entry["name"] == _ENVIRONMENT for entry in environment):
        return container
    return {**container, "env": [*environment, {"name": _ENVIRONMENT, "valueFrom": field}]}
