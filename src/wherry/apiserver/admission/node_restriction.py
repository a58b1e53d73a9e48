"""NodeRestriction: a node writes only its own Node, Lease and CSINode, the status of its own pods, and tokens for them.

Source: plugin/pkg/admission/noderestriction/admission.go.
"""

from __future__ import annotations

from collections.abc import Callable

from wherry.api.errors import not_found
from wherry.api.types import Object
from wherry.apiserver.admission.attributes import Attributes
from wherry.apiserver.objects import decoded
from wherry.apiserver.registry import storage_prefix
from wherry.policy.node_access import GROUP, LEASES, node_of
from wherry.policy.node_labels import forbidden as forbidden_labels
from wherry.policy.pod_references import references

_MIRROR = "kubernetes.io/config.mirror"
_PODS, _NODES = storage_prefix("", "pods"), storage_prefix("", "nodes")
_SAME_LEASE = "can only access node lease with the same name as the requesting node"
_SAME_CSI_NODE = "can only access CSINode with the same name as the requesting node"


def on_write(attributes: Attributes) -> None:
    """Only for nodes; everybody else is through at once."""
    if GROUP not in attributes.user.groups:
        return
    node = node_of(attributes.user)
    if not node:
        raise attributes.forbid(f'could not determine node from user "{attributes.user.name}"')
    check = _CHECKS.get((attributes.served.qualified, attributes.subresource))
    why = check(node, attributes) if check is not None else _other(attributes)
    if why:
        raise attributes.forbid(why)


def _other(attributes: Attributes) -> str:
    if attributes.served.qualified == "pods":
        return f"unexpected pod subresource \"{attributes.subresource}\", only 'status' and 'eviction' are allowed"
    return "may only update PVC status" if attributes.served.qualified == "persistentvolumeclaims" else ""


def _pod(node: str, attributes: Attributes) -> str:
    pod, old = attributes.obj, attributes.old
    if attributes.operation == "CREATE" and pod is not None:
        return _mirror_pod(node, attributes, pod)
    if attributes.operation == "DELETE" and old is not None:
        own = old["spec"].get("nodeName") == node
        return "" if own else f'node "{node}" can only delete pods with spec.nodeName set to itself'
    return f'unexpected operation "{attributes.operation}", node "{node}" can only create and delete mirror pods'


def _mirror_pod(node: str, attributes: Attributes, pod: Object) -> str:
    if _MIRROR not in (pod["metadata"].get("annotations") or {}):
        return f'pod does not have "{_MIRROR}" annotation, node "{node}" can only create mirror pods'
    if pod["spec"].get("nodeName") != node:
        return f'node "{node}" can only create pods with spec.nodeName set to itself'
    return _mirror_owner(node, attributes, pod) or _mirror_references(node, pod)


def _mirror_owner(node: str, attributes: Attributes, pod: Object) -> str:
    owners = pod["metadata"].get("ownerReferences") or ()
    if len(owners) > 1:
        return f'node "{node}" can only create pods with a single owner reference set to itself'
    owner = owners[0] if owners else {}
    if (owner.get("apiVersion"), owner.get("kind"), owner.get("name")) != ("v1", "Node", node):
        return f'node "{node}" can only create pods with an owner reference set to itself'
    if not owner.get("controller"):
        return f'node "{node}" can only create pods with a controller owner reference set to itself'
    if owner.get("blockOwnerDeletion"):
        return f'node "{node}" must not set blockOwnerDeletion on an owner reference'
    entry = attributes.parts.store.get(_NODES + node)
    if entry is None:
        raise not_found("", "nodes", node)
    uid = decoded(entry)["metadata"]["uid"]
    return "" if owner.get("uid") == uid else f"node {node} UID mismatch: expected {owner.get('uid')} got {uid}"


def _mirror_references(node: str, pod: Object) -> str:
    annotations = {key: value for key, value in pod["metadata"]["annotations"].items() if key != _MIRROR}
    found = references({**pod, "metadata": {**pod["metadata"], "annotations": annotations}})
    for names, what in (
        (found.serviceaccounts, "a service account"),
        (found.secrets, "secrets"),
        (found.configmaps, "configmaps"),
        (found.persistentvolumeclaims, "persistentvolumeclaims"),
        (found.resourceclaims, "resourceclaims"),
    ):
        if names:
            return f'node "{node}" can not create pods that reference {what}'
    return ""


def _pod_status(node: str, attributes: Attributes) -> str:
    pod, old = attributes.obj, attributes.old
    if pod is None or old is None:
        return f'unexpected operation "{attributes.operation}"'
    if old["spec"].get("nodeName") != node:
        return f'node "{node}" can only update pod status for pods with spec.nodeName set to itself'
    if (pod["metadata"].get("labels") or {}) != (old["metadata"].get("labels") or {}):
        return f'node "{node}" cannot update labels through pod status'
    claims, before = ((each.get("status") or {}).get("resourceClaimStatuses") or [] for each in (pod, old))
    return "" if claims == before else f'node "{node}" cannot update resource claim statues'


def _node(node: str, attributes: Attributes) -> str:
    if attributes.name != node:
        return f'node "{node}" is not allowed to modify node "{attributes.name}"'
    obj, old = attributes.obj, attributes.old
    if obj is None:
        return ""
    labels = obj["metadata"].get("labels") or {}
    if old is None:
        wrong = forbidden_labels(labels, {})
        return f'node "{node}" is not allowed to set the following labels: {", ".join(wrong)}' if wrong else ""
    if ((obj.get("spec") or {}).get("taints") or []) != ((old.get("spec") or {}).get("taints") or []):
        return f'node "{node}" is not allowed to modify taints'
    wrong = forbidden_labels(labels, old["metadata"].get("labels") or {})
    return f"is not allowed to modify labels: {', '.join(wrong)}" if wrong else ""


def _eviction(node: str, attributes: Attributes) -> str:
    entry = attributes.parts.store.get(f"{_PODS}{attributes.namespace}/{attributes.name}")
    if entry is None:
        raise not_found("", "pods", attributes.name)
    own = decoded(entry)["spec"].get("nodeName") == node
    return "" if own else f"node {node} can only evict pods with spec.nodeName set to itself"


_CLAIM_STATUS = ("capacity", "conditions", "allocatedResources", "allocatedResourceStatuses")


def _claim_status(node: str, attributes: Attributes) -> str:
    if attributes.obj is None or attributes.old is None:
        return f'unexpected operation "{attributes.operation}"'
    same = _rest_of_claim(attributes.obj) == _rest_of_claim(attributes.old)
    allowed = "status.capacity and status.conditions"
    return "" if same else f'node "{node}" is not allowed to update fields other than {allowed}'


def _rest_of_claim(claim: Object) -> Object:
    metadata = {key: value for key, value in claim["metadata"].items() if key != "resourceVersion"}
    status = {key: value for key, value in (claim.get("status") or {}).items() if key not in _CLAIM_STATUS}
    return {**claim, "metadata": metadata, "status": status}


def _token(node: str, attributes: Attributes) -> str:
    bound = ((attributes.obj or {}).get("spec") or {}).get("boundObjectRef") or {}
    name = bound.get("name")
    if (bound.get("apiVersion"), bound.get("kind")) != ("v1", "Pod") or not name:
        return "node requested token not bound to a pod"
    if not bound.get("uid"):
        return "node requested token with a pod binding without a uid"
    entry = attributes.parts.store.get(f"{_PODS}{attributes.namespace}/{name}")
    if entry is None:
        raise not_found("", "pods", name)
    pod = decoded(entry)
    if bound["uid"] != pod["metadata"]["uid"]:
        return (
            f"the UID in the bound object reference ({bound['uid']}) does not match the UID in record."
            " The object might have been deleted and then recreated"
        )
    own = pod["spec"].get("nodeName") == node
    return "" if own else "node requested token bound to a pod scheduled on a different node"


def _lease(node: str, attributes: Attributes) -> str:
    if attributes.namespace != LEASES:
        return f'can only access leases in the "{LEASES}" system namespace'
    return "" if attributes.name == node else _SAME_LEASE


def _csi_node(node: str, attributes: Attributes) -> str:
    return "" if attributes.name == node else _SAME_CSI_NODE


_CHECKS: dict[tuple[str, str], Callable[[str, Attributes], str]] = {
    ("pods", ""): _pod,
    ("pods", "status"): _pod_status,
    ("pods", "eviction"): _eviction,
    ("nodes", ""): _node,
    ("nodes", "status"): _node,
    ("persistentvolumeclaims", "status"): _claim_status,
    ("serviceaccounts", "token"): _token,
    ("leases.coordination.k8s.io", ""): _lease,
    ("csinodes.storage.k8s.io", ""): _csi_node,
}
RESOURCES = frozenset(resource for resource, _ in _CHECKS)
