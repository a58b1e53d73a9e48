"""`pods/binding` and the `bindings` resource: a scheduler gives a pod its node.

Source: pkg/registry/core/pod/storage/storage.go (BindingREST).
"""

from __future__ import annotations

from wherry.api.errors import Cause, Conflict, conflict, invalid
from wherry.api.types import Object
from wherry.apiserver.admit import admit_both
from wherry.apiserver.answers import data_reply, wanted
from wherry.apiserver.body_object import read, settle_namespace
from wherry.apiserver.call import Answer, Call
from wherry.apiserver.objects import stamp
from wherry.apiserver.options import write_options
from wherry.apiserver.writes import change
from wherry.wire.messages import Reply


def handle(call: Call) -> Answer:
    wanted(call)
    options = write_options(call, "CreateOptions")
    binding = read(call, api_version="v1", kind="Binding", field_validation=options.field_validation)
    settle_namespace(call, binding)
    name = call.info.name or binding["metadata"].get("name") or ""
    _check_target(name, binding)
    pods = call.parts.registry.of("pods")

    def compute(old: Object) -> Object:
        return _bound(name, old, binding, stamp(call.parts.clock.now()))

    async def write() -> Reply:
        await admit_both(call, pods, "CREATE", binding, None, name=name, subresource="binding", dry_run=options.dry_run)
        await change(call, pods, pods.key(call.info.namespace, name), name, compute, dry_run=options.dry_run)
        return data_reply(call, CREATED, 201)

    return write()


CREATED: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


def _check_target(name: str, binding: Object) -> None:
    target = binding.get("target") or {}
    causes: list[Cause] = []
    kind = target.get("kind") or ""
    if kind not in ("", "Node"):
        message = f'Unsupported value: "{kind}": supported values: "Node", "<empty>"'
        causes.append(Cause("FieldValueNotSupported", message, "target.kind"))
    if not target.get("name"):
        causes.append(Cause("FieldValueRequired", "Required value", "target.name"))
    if causes:
        raise invalid("", "Binding", name, causes)


def _refusal(pod: Object) -> str:
    """Why a pod cannot be bound; empty where it can."""
    name, node = pod["metadata"]["name"], pod["spec"].get("nodeName")
    if pod["metadata"].get("deletionTimestamp"):
        return f"pod {name} is being deleted, cannot be assigned to a host"
    if node:
        return f'pod {name} is already assigned to node "{node}"'
    if pod["spec"].get("schedulingGates"):
        return f"pod {name} has non-empty .spec.schedulingGates"
    return ""


def _bound(name: str, pod: Object, binding: Object, now: str) -> Object:
    """Raises `Conflict`."""
    uid = binding["metadata"].get("uid")
    if uid and uid != pod["metadata"]["uid"]:
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {pod['metadata']['uid']}"
        raise conflict("", "pods", name, why)
    if why := _refusal(pod):
        raise Conflict(f'Operation cannot be fulfilled on pods/binding "{name}": {why}', kind="pods/binding", name=name)
    metadata = dict(pod["metadata"])
    if annotations := binding["metadata"].get("annotations"):
        metadata["annotations"] = {**(metadata.get("annotations") or {}), **annotations}
    if labels := binding["metadata"].get("labels"):
        metadata["labels"] = {**(metadata.get("labels") or {}), **labels}
    status = dict(pod.get("status") or {})
    status.pop("nominatedNodeName", None)
    others = [each for each in status.get("conditions") or () if each.get("type") != "PodScheduled"]
    scheduled = {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": now}
    status["conditions"] = [*others, scheduled]
    return {
        **pod,
        "metadata": metadata,
        "spec": {**pod["spec"], "nodeName": binding["target"]["name"]},
        "status": status,
    }


HANDLERS = {"create": handle}
