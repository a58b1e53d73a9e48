"""Who a stateful set's pods are: ordinals, names, labels, claims. Pure."""

from __future__ import annotations

from wherry.api.types import Object
from wherry.controllers import pods
from wherry.controllers.history import HASH_LABEL
from wherry.controllers.replicaset import replicas_of

NAME_LABEL = "statefulset.kubernetes.io/pod-name"
INDEX_LABEL = "apps.kubernetes.io/pod-index"


def start_of(statefulset: Object) -> int:
    return (statefulset["spec"].get("ordinals") or {}).get("start", 0)


def ordinals(statefulset: Object) -> range:
    """The ordinals that should exist."""
    start = start_of(statefulset)
    return range(start, start + replicas_of(statefulset))


def ordinal_of(name: str, statefulset: Object) -> int | None:
    """The ordinal in a pod's name; None where the name is not of this set."""
    parent, dash, number = name.rpartition("-")
    if not dash or parent != statefulset["metadata"]["name"] or not number.isdecimal():
        return None
    return int(number)


def revision_of(pod: Object) -> str:
    return (pod["metadata"].get("labels") or {}).get(HASH_LABEL, "")


def pod_of(statefulset: Object, template: Object, reference: Object, ordinal: int, revision: str) -> Object:
    """The pod of an ordinal, from the template of that revision."""
    name = f"{statefulset['metadata']['name']}-{ordinal}"
    pod = pods.from_template(template, statefulset, reference, name=name)
    labels = {**(pod["metadata"].get("labels") or {}), HASH_LABEL: revision}
    pod["metadata"]["labels"] = labels | identity_labels(name, ordinal)
    pod["spec"] = {**pod["spec"], "hostname": name}
    if statefulset["spec"].get("serviceName"):
        pod["spec"]["subdomain"] = statefulset["spec"]["serviceName"]
    if claimed := _claim_volumes(statefulset, name):
        names = {volume["name"] for volume in claimed}
        kept = [volume for volume in pod["spec"].get("volumes") or () if volume["name"] not in names]
        pod["spec"]["volumes"] = claimed + kept
    return pod


def identity_labels(name: str, ordinal: int) -> dict[str, str]:
    return {NAME_LABEL: name, INDEX_LABEL: str(ordinal)}


def lacks_identity(pod: Object, statefulset: Object) -> bool:
    """Whether somebody has taken the pod's identity labels away."""
    name = pod["metadata"]["name"]
    ordinal = ordinal_of(name, statefulset)
    labels = pod["metadata"].get("labels") or {}
    return ordinal is not None and not identity_labels(name, ordinal).items() <= labels.items()


def _claim_volumes(statefulset: Object, pod_name: str) -> list[Object]:
    return [
        {"name": name, "persistentVolumeClaim": {"claimName": f"{name}-{pod_name}"}}
        for template in statefulset["spec"].get("volumeClaimTemplates") or ()
        if (name := template["metadata"]["name"])
    ]


def claims_of(statefulset: Object, pod_name: str) -> list[Object]:
    """The claims that a pod of the set needs."""
    selector = (statefulset["spec"].get("selector") or {}).get("matchLabels") or {}
    result = []
    for template in statefulset["spec"].get("volumeClaimTemplates") or ():
        given = template["metadata"]
        metadata: Object = {
            "name": f"{given['name']}-{pod_name}",
            "namespace": statefulset["metadata"]["namespace"],
            "labels": {**(given.get("labels") or {}), **selector},
        }
        if given.get("annotations"):
            metadata["annotations"] = given["annotations"]
        result.append({"metadata": metadata, "spec": template["spec"]})
    return result


def retention(statefulset: Object) -> tuple[str, str]:
    """`persistentVolumeClaimRetentionPolicy`: when deleted, when scaled."""
    policy = statefulset["spec"].get("persistentVolumeClaimRetentionPolicy") or {}
    return policy.get("whenDeleted", "Retain"), policy.get("whenScaled", "Retain")


def claim_owners(
    statefulset: Object, reference: Object, pod: Object | None, claim: Object, ordinal: int
) -> list[Object]:
    """The owner references that a claim should have, so that the garbage collector removes it when the policy says so."""
    when_deleted, when_scaled = retention(statefulset)
    pod_uid = pod["metadata"]["uid"] if pod else ""
    mine = {statefulset["metadata"]["uid"], pod_uid}
    kept = [
        r
        for r in claim["metadata"].get("ownerReferences") or ()
        if r["uid"] not in mine
        and not (r["kind"] == "Pod" and r["name"] == f"{statefulset['metadata']['name']}-{ordinal}")
    ]
    goes_with_pod = when_scaled == "Delete" and ordinal not in ordinals(statefulset)
    if any(r.get("controller") for r in kept):
        return list(claim["metadata"].get("ownerReferences") or ())  # somebody else's claim, whatever its name
    if goes_with_pod and pod is not None:
        return [
            *kept,
            {**reference, "apiVersion": "v1", "kind": "Pod", "name": pod["metadata"]["name"], "uid": pod_uid},
        ]
    if when_deleted == "Delete" and not goes_with_pod:
        return [*kept, reference]
    return kept
