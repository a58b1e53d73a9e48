"""What the files of data-carrying volumes contain: pure, but for the tokens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wherry.api.types import Object
from wherry.node.pod import fields, references, spec
from wherry.node.volumes.context import File, Payload, VolumeContext, VolumeProblem

DEFAULT_MODE = 0o644


def _mode(wanted: int | None, context: VolumeContext) -> int:
    """With an fsGroup the group may read."""
    mode = DEFAULT_MODE if wanted is None else int(wanted)
    return mode if context.group is None else mode | 0o440


def _selected(
    context: VolumeContext, values: Mapping[str, bytes], items: Iterable[Object], mode: int | None, *, optional: bool
) -> Payload:
    """All values by their key, or those that `items` name at the paths that they give."""
    items = list(items)
    if not items:
        return {key: File(value, _mode(mode, context)) for key, value in values.items()}
    payload: Payload = {}
    for item in items:
        key = item["key"]
        if key in values:
            own = item.get("mode")
            payload[item["path"]] = File(values[key], _mode(mode if own is None else own, context))
        elif not optional:
            raise VolumeProblem(f"references non-existent config key: {key}")
    return payload


def of_object(context: VolumeContext, resource: str, source: Object, mode: int | None) -> Payload:
    """A ConfigMap or Secret. Raises `VolumeProblem`."""
    name = source.get("name") or source.get("secretName") or ""
    optional = bool(source.get("optional"))
    try:
        values = references.values(context.lookup, resource, name, optional=optional)
    except references.ReferenceProblem as error:
        raise VolumeProblem(str(error)) from error
    return _selected(context, values, source.get("items") or (), mode, optional=optional)


def of_downward(context: VolumeContext, source: Object, mode: int | None) -> Payload:
    """The downward API. Raises `VolumeProblem`."""
    payload: Payload = {}
    for item in source.get("items") or ():
        own = item.get("mode")
        text = _downward_text(context, item)
        payload[item["path"]] = File(text.encode(), _mode(mode if own is None else own, context))
    return payload


def _downward_text(context: VolumeContext, item: Object) -> str:
    try:
        if reference := item.get("fieldRef"):
            return fields.pod_field(context.pod, reference["fieldPath"], context.identity)
        reference = item["resourceFieldRef"]
        container = fields.resource_container(context.pod, reference, None)
        return fields.resource_field(context.pod, container, reference, context.identity)
    except fields.FieldProblem as error:
        raise VolumeProblem(str(error)) from error


def token_file(context: VolumeContext, token: str) -> File:
    """Readable for the one user that all containers run as, else for everybody, as upstream (KEP-1205)."""
    user = common_user(context.pod)
    if context.group is not None:
        return File(token.encode(), 0o640, user)
    return File(token.encode(), 0o644) if user is None else File(token.encode(), 0o600, user)


def common_user(pod: Object) -> int | None:
    """The user that every container runs as, if they agree."""
    default = (pod["spec"].get("securityContext") or {}).get("runAsUser")
    users = set()
    for _, container in spec.all_containers(pod):
        own = (container.get("securityContext") or {}).get("runAsUser")
        users.add(default if own is None else own)
    return users.pop() if len(users) == 1 else None
