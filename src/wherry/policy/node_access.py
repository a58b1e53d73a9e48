"""What nodes may do: each its own, and what its pods need.

`decide` answers for one request; where that hangs on which pods run on the node, `Related` is asked. What is not
subdivided here is left to the rules of the role `system:node`. Source: plugin/pkg/auth/authorizer/node;
"Using Node Authorization" in the Kubernetes documentation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from wherry.policy.user import User

GROUP: Final = "system:nodes"
_PREFIX = "system:node:"
LEASES: Final = "kube-node-lease"
ALLOWED: Final = "allowed"
"""The answer that is no refusal."""

Related = Callable[[str, str, str, str], bool]
"""`(node, resource, namespace, name)`: does a pod on the node need that object, or is it the node's own?"""


def node_of(user: User) -> str:
    """The node that the user is; empty for everybody else."""
    if GROUP not in user.groups or not user.name.startswith(_PREFIX):
        return ""
    return user.name.removeprefix(_PREFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A node's request. `selected_node` is what a list of pods or slices is narrowed to."""

    node: str
    verb: str
    subresource: str
    namespace: str
    name: str
    resource: str
    selected_node: str = ""


def decide(wish: Wish, group: str, related: Related) -> str | None:
    """`ALLOWED`, why not, or None where the role's rules decide."""
    judge = _JUDGES.get((group, wish.resource))
    return judge(wish, related) if judge is not None else None


def _unrelated(wish: Wish, related: Related) -> str:
    if not wish.name:
        return "No Object name found"
    if related(wish.node, wish.resource, wish.namespace, wish.name):
        return ALLOWED
    return f"no relationship found between node '{wish.node}' and this object"


def _read(wish: Wish, related: Related) -> str:
    if wish.verb not in ("get", "list", "watch"):
        return "can only read resources of this type"
    if wish.subresource:
        return "cannot read subresource"
    if not wish.namespace:
        return "can only read namespaced object of this type"
    return _unrelated(wish, related)


def _get(wish: Wish, related: Related) -> str:
    if wish.verb != "get":
        return "can only get individual resources of this type"
    return "cannot get subresource" if wish.subresource else _unrelated(wish, related)


def _claim(wish: Wish, related: Related) -> str:
    if wish.subresource != "status":
        return _get(wish, related)
    return _unrelated(wish, related) if wish.verb in ("update", "patch") else "can only get/update/patch this type"


def _service_account(wish: Wish, related: Related) -> str:
    if wish.verb == "get" and not wish.subresource:
        return _unrelated(wish, related)
    if wish.verb != "create" or not wish.name:
        return "can only create tokens for individual service accounts"
    if wish.subresource != "token":
        return "can only create token subresource of serviceaccount"
    return _unrelated(wish, related)


_OWN_VERBS = frozenset({"get", "create", "update", "patch", "delete"})


def _lease(wish: Wish, related: Related) -> str:
    if wish.verb not in _OWN_VERBS:
        return "can only get, create, update, patch, or delete a node lease"
    if wish.namespace != LEASES:
        return f'can only access leases in the "{LEASES}" system namespace'
    # The name of what is created is not known here: admission looks at it.
    if wish.verb != "create" and wish.name != wish.node:
        return "can only access node lease with the same name as the requesting node"
    return ALLOWED


def _csi_node(wish: Wish, related: Related) -> str:
    if wish.verb not in _OWN_VERBS:
        return "can only get, create, update, patch, or delete a CSINode"
    if wish.subresource:
        return "cannot authorize CSINode subresources"
    if wish.verb != "create" and wish.name != wish.node:
        return "can only access CSINode with the same name as the requesting node"
    return ALLOWED


_WRITES = frozenset({("", "create"), ("", "update"), ("", "patch"), ("status", "update"), ("status", "patch")})
_NOTHING = "no rule of the node authorizer allows it"


def _node(wish: Wish, related: Related) -> str:
    """Which node is written is looked at by admission."""
    if (wish.subresource, wish.verb) in _WRITES:
        return ALLOWED
    if wish.subresource or wish.verb not in ("get", "list", "watch"):
        return _NOTHING
    if wish.name == wish.node:
        return ALLOWED
    if not wish.name:
        return f"node '{wish.node}' cannot read all nodes, only its own Node object"
    return f"node '{wish.node}' cannot read '{wish.name}', only its own Node object"


_POD_WRITES = frozenset(
    {("", "create"), ("", "delete"), ("status", "update"), ("status", "patch"), ("eviction", "create")}
)


def _pod(wish: Wish, related: Related) -> str:
    """Which pod is written is looked at by admission."""
    if (wish.subresource, wish.verb) in _POD_WRITES:
        return ALLOWED
    if wish.subresource or wish.verb not in ("get", "list", "watch"):
        return _NOTHING
    if wish.verb == "get":
        return _unrelated(wish, related)
    if wish.selected_node == wish.node:
        return ALLOWED
    return _unrelated(wish, related) if wish.name else "can only list/watch pods with spec.nodeName field selector"


def _slice(wish: Wish, related: Related) -> str:
    if wish.subresource:
        return "cannot authorize ResourceSlice subresources"
    if wish.verb == "create":
        return ALLOWED
    if wish.verb in ("get", "update", "patch", "delete"):
        return _unrelated(wish, related)
    if wish.verb not in ("watch", "list", "deletecollection"):
        return _NOTHING
    if wish.selected_node == wish.node:
        return ALLOWED
    return "can only list/watch/deletecollection resourceslices with nodeName field selector"


_JUDGES: dict[tuple[str, str], Callable[[Wish, Related], str]] = {
    ("", "secrets"): _read,
    ("", "configmaps"): _read,
    ("", "persistentvolumeclaims"): _claim,
    ("", "persistentvolumes"): _get,
    ("resource.k8s.io", "resourceclaims"): _get,
    ("storage.k8s.io", "volumeattachments"): _get,
    ("", "serviceaccounts"): _service_account,
    ("coordination.k8s.io", "leases"): _lease,
    ("storage.k8s.io", "csinodes"): _csi_node,
    ("resource.k8s.io", "resourceslices"): _slice,
    ("", "nodes"): _node,
    ("", "pods"): _pod,
}

SELECTED_NODE = {("", "pods"): "spec.nodeName", ("resource.k8s.io", "resourceslices"): "spec.nodeName"}
"""The field by which lists are narrowed to one node."""
