"""`pods/eviction`: delete a pod if its disruption budget allows.

Source: pkg/registry/core/pod/storage/eviction.go; the documentation page "API-initiated Eviction".
"""

from __future__ import annotations

from dataclasses import replace

from wherry.api import label_selector
from wherry.api.errors import BadRequest, Cause, Forbidden, InternalError, TooManyRequests, not_found
from wherry.api.types import Object
from wherry.apiserver.admit import admit_both
from wherry.apiserver.answers import data_reply, wanted
from wherry.apiserver.body_object import read, settle_namespace
from wherry.apiserver.call import Answer, Call
from wherry.apiserver.delete_options import from_object
from wherry.apiserver.objects import decoded, stamp
from wherry.apiserver.options import write_options
from wherry.apiserver.subresources.binding import CREATED
from wherry.apiserver.verbs.delete import delete
from wherry.apiserver.writes import change
from wherry.store.port import Entry
from wherry.wire.messages import Reply

_BUDGETS = "poddisruptionbudgets.policy"
_MOST_DISRUPTED_PODS = 2000
_FINISHED = frozenset({"Succeeded", "Failed"})
_RETRY_AFTER_SECONDS = 10


def handle(call: Call) -> Answer:
    wanted(call)
    options = write_options(call, "CreateOptions")
    eviction = read(call, api_version="policy/v1", kind="Eviction", field_validation=options.field_validation)
    settle_namespace(call, eviction)
    name = call.info.name
    if (eviction["metadata"].get("name") or name) != name:
        raise BadRequest("name in URL does not match name in Eviction object")
    asked = from_object(eviction.get("deleteOptions") or {})
    dry_run = options.dry_run or asked.dry_run

    async def write() -> Reply:
        await admit_both(call, call.served, "CREATE", eviction, None, subresource="eviction", dry_run=dry_run)
        entry = call.parts.store.get(call.info.key)
        if entry is None:
            raise not_found("", "pods", name)
        pod = decoded(entry)
        wanted_uid = asked.uid or pod["metadata"]["uid"]
        if not _needs_no_budget(pod) and (budget := _budget_of(call, pod)) is not None:
            await _take_from(call, budget, pod, dry_run=dry_run)
        wish = replace(asked, uid=wanted_uid, dry_run=dry_run)
        # The eviction itself was admitted; upstream asks nobody about the delete that comes of it.
        await delete(call, call.served, call.info.namespace, name, wish, admission=False)
        return data_reply(call, CREATED, 201)

    return write()


def _needs_no_budget(pod: Object) -> bool:
    phase = (pod.get("status") or {}).get("phase")
    return phase in _FINISHED or phase == "Pending" or bool(pod["metadata"].get("deletionTimestamp"))


def _budget_of(call: Call, pod: Object) -> Entry | None:
    """The one budget that covers the pod. Raises `InternalError` where there are several."""
    namespace, labels = pod["metadata"]["namespace"], pod["metadata"].get("labels") or {}
    prefix = call.parts.registry.of(_BUDGETS).list_prefix(namespace)
    entries = call.parts.store.range(prefix).entries
    covering = [entry for entry in entries if label_selector.matches(decoded(entry)["spec"].get("selector"), labels)]
    if len(covering) > 1:
        raise InternalError(
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        )
    return covering[0] if covering else None


def _is_ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions)


def _spared(budget: Object, pod: Object) -> bool:
    """An unhealthy pod may go without using up the budget (KEP-3017)."""
    if _is_ready(pod):
        return False
    if budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    status = budget.get("status") or {}
    desired = status.get("desiredHealthy", 0)
    return desired > 0 and status.get("currentHealthy", 0) >= desired


def _refused(message: str, *, retry_after_seconds: int = 0) -> TooManyRequests:
    return TooManyRequests(
        "Cannot evict pod as it would violate the pod's disruption budget.",
        causes=[Cause("DisruptionBudget", message)],
        retry_after_seconds=retry_after_seconds,
    )


async def _take_from(call: Call, entry: Entry, pod: Object, *, dry_run: bool) -> None:
    """Count the pod as disrupted. Raises `TooManyRequests`, `Forbidden`."""
    if _spared(decoded(entry), pod):
        return
    budgets = call.parts.registry.of(_BUDGETS)
    name = decoded(entry)["metadata"]["name"]
    now = stamp(call.parts.clock.now())

    def compute(budget: Object) -> Object:
        return _counted(budget, pod["metadata"]["name"], now)

    await change(call, budgets, entry.key, name, compute, dry_run=dry_run)


def _counted(budget: Object, pod_name: str, now: str) -> Object:
    metadata, status = budget["metadata"], budget.get("status") or {}
    name, allowed = metadata["name"], status.get("disruptionsAllowed", 0)
    if status.get("observedGeneration", 0) < metadata.get("generation", 0):
        message = f"The disruption budget {name} is still being processed by the server."
        raise _refused(message, retry_after_seconds=_RETRY_AFTER_SECONDS)
    disrupted = status.get("disruptedPods") or {}
    if allowed < 0 or len(disrupted) > _MOST_DISRUPTED_PODS:
        why = "pdb disruptions allowed is negative" if allowed < 0 else "DisruptedPods map too big"
        raise Forbidden(
            f'poddisruptionbudgets.policy "{name}" is forbidden: {why}', group="policy", kind=budget["kind"], name=name
        )
    if allowed == 0:
        needed, healthy = status.get("desiredHealthy", 0), status.get("currentHealthy", 0)
        raise _refused(f"The disruption budget {name} needs {needed} healthy pods and has {healthy} currently")
    counted = {**status, "disruptionsAllowed": allowed - 1, "disruptedPods": {**disrupted, pod_name: now}}
    return {**budget, "metadata": dict(metadata), "status": counted}


HANDLERS = {"create": handle}
