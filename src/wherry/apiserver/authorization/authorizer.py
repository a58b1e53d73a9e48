"""Decisions for requests and reviews. Source: "Authorization" in the Kubernetes documentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wherry.apiserver.authorization.nodes import NodeRelations
from wherry.apiserver.objects import decoded
from wherry.apiserver.registry import storage_prefix
from wherry.apiserver.watching.frames import DELETED, Change
from wherry.apiserver.watching.hub import Hubs
from wherry.policy.node_access import ALLOWED, Wish, decide, node_of
from wherry.policy.rbac import GROUP, Rules
from wherry.policy.user import MASTERS, User
from wherry.store.port import Store

_PLURALS = ("roles", "clusterroles", "rolebindings", "clusterrolebindings")
_NODE_ROLE = "system:node"
ALWAYS_ALLOWED_PATHS = frozenset({"/healthz", "/livez", "/readyz"})


@dataclass(frozen=True, slots=True)
class Attributes:
    """What somebody wants to do: with a resource, or with a `path` where there is one."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""
    selected_node: str = ""
    """The node that a list of pods is narrowed to, as the Node authorizer wants it."""


class Authorizer:
    """RBAC and the Node authorizer, fed from the store; without `enabled`, everything is allowed. Members of system:masters always may."""

    def __init__(self, *, enabled: bool) -> None:
        self.enabled = enabled
        self.rules = Rules()
        self._relations: NodeRelations | None = None

    def start(self, store: Store, hubs: Hubs) -> None:
        """Read the roles and bindings, and follow their changes from now on."""
        if not self.enabled:
            return
        for plural in _PLURALS:
            prefix = storage_prefix(GROUP, plural)
            for entry in store.range(prefix).entries:
                self.rules.put(decoded(entry))
            hubs.of(prefix).attach(self)
        self._relations = NodeRelations(store, hubs)

    def deliver(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.type == DELETED:
                self.rules.remove(decoded(change.entry))
            else:
                self.rules.put(decoded(change.entry))

    def allows(self, user: User, wish: Attributes) -> bool:
        if not self.enabled or MASTERS in user.groups:
            return True
        if wish.path:
            return wish.path in ALWAYS_ALLOWED_PATHS or self.rules.allowed_path(user, wish.verb, wish.path)
        allowed = self.rules.allowed(
            user,
            wish.verb,
            wish.group,
            wish.resource,
            subresource=wish.subresource,
            namespace=wish.namespace,
            name=wish.name,
        )
        return allowed or self.refusal(user, wish) == ALLOWED

    def refusal(self, user: User, wish: Attributes) -> str | None:
        """What the Node authorizer says of a request for a resource: `ALLOWED`, or why not. None: nothing, it is no node."""
        node = node_of(user)
        if not node or self._relations is None:
            return None
        asked = Wish(
            node=node,
            verb=wish.verb,
            subresource=wish.subresource,
            namespace=wish.namespace,
            name=wish.name,
            resource=wish.resource,
            selected_node=wish.selected_node,
        )
        answer = decide(asked, wish.group, self._relations.related)
        if answer is not None:
            return answer
        rules = self.rules.role_rules("ClusterRole", "", _NODE_ROLE) or ()
        allowed = any(rule.matches(wish.verb, wish.group, wish.resource, wish.subresource) for rule in rules)
        return ALLOWED if allowed else ""
