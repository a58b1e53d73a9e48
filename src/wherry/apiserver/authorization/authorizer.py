"""Decisions for requests and reviews: the authorizers of the chain in turn, until one says yes or no.

What always holds: members of system:masters may do everything; who is not allowed by anybody may not.
Source: "Authorization" in the Kubernetes documentation; k8s.io/apiserver/pkg/authorization/union.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from inspect import isawaitable

from wherry.apiserver.authorization.attributes import ALLOW, Attributes, Decision
from wherry.apiserver.authorization.nodes import NodeRelations
from wherry.apiserver.objects import decoded
from wherry.apiserver.registry import storage_prefix
from wherry.apiserver.watching.frames import DELETED, Change
from wherry.apiserver.watching.hub import Hubs
from wherry.policy.node_access import ALLOWED, SELECTED_NODE, Wish, decide, node_of
from wherry.policy.rbac import GROUP, Rules
from wherry.policy.rules import Rule
from wherry.policy.user import MASTERS, User
from wherry.store.port import Store

_PLURALS = ("roles", "clusterroles", "rolebindings", "clusterrolebindings")
_NODE_ROLE = "system:node"
ALWAYS_ALLOWED_PATHS = frozenset({"/healthz", "/livez", "/readyz"})

Mode = Callable[[User, Attributes], Decision | Awaitable[Decision]]
"""One authorizer of the chain."""


class Authorizer:
    """A chain of authorizers, by default Node and RBAC; without `enabled`, everything is allowed."""

    def __init__(self, *, enabled: bool) -> None:
        self.enabled = enabled
        self.rules = Rules()
        self._relations: NodeRelations | None = None
        self.chain: tuple[Mode, ...] = (self.by_node, self.by_rbac)
        """Replaced as a whole when the configuration changes; see `set_chain`."""
        self.rbac_first = True
        """Whether nobody but the Node authorizer, which never denies, is asked before RBAC: its yes is the chain's yes."""

    def set_chain(self, modes: Sequence[Mode]) -> None:
        self.chain = tuple(modes)
        before = self.chain[: self.chain.index(self.by_rbac)] if self.by_rbac in self.chain else (None,)
        self.rbac_first = all(mode == self.by_node for mode in before)

    @property
    def resolves_all(self) -> bool:
        """Whether all that somebody may do can be told from the rules: a webhook tells nothing in advance."""
        return all(mode in (self.by_node, self.by_rbac) for mode in self.chain)

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

    def decide(self, user: User, wish: Attributes) -> Decision | Awaitable[Decision]:
        """At once, or something to await where somebody outside is asked."""
        if not self.enabled or MASTERS in user.groups or wish.path in ALWAYS_ALLOWED_PATHS:
            return ALLOW
        return self._from(0, user, wish, [], [])

    async def permitted(self, user: User, wish: Attributes) -> Decision:
        found = self.decide(user, wish)
        return found if isinstance(found, Decision) else await found

    def _from(
        self, position: int, user: User, wish: Attributes, reasons: list[str], errors: list[str]
    ) -> Decision | Awaitable[Decision]:
        chain = self.chain
        for index in range(position, len(chain)):
            found = chain[index](user, wish)
            if not isinstance(found, Decision):
                return self._later(found, index + 1, user, wish, reasons, errors)
            if _settles(found, reasons, errors):
                return found
        return Decision(reason="\n".join(reasons), error=", ".join(errors))

    async def _later(
        self,
        waiting: Awaitable[Decision],
        position: int,
        user: User,
        wish: Attributes,
        reasons: list[str],
        errors: list[str],
    ) -> Decision:
        found = await waiting
        if _settles(found, reasons, errors):
            return found
        rest = self._from(position, user, wish, reasons, errors)
        return await rest if isawaitable(rest) else rest

    def by_rbac(self, user: User, wish: Attributes) -> Decision:
        """What the roles say, and by which binding."""
        if self.rbac_allows(user, wish):
            return Decision(allowed=True, reason=self.rules.why(user, wish.namespace, _matcher(wish)))
        return Decision(reason=self.rules.trouble(user, wish.namespace))

    def rbac_allows(self, user: User, wish: Attributes) -> bool:
        if wish.path:
            return self.rules.allowed_path(user, wish.verb, wish.path)
        return self.rules.allowed(
            user,
            wish.verb,
            wish.group,
            wish.resource,
            subresource=wish.subresource,
            namespace=wish.namespace,
            name=wish.name,
        )

    def by_node(self, user: User, wish: Attributes) -> Decision:
        """What a node may do with what belongs to it; never a denial."""
        node = node_of(user)
        if not node or self._relations is None or wish.path:
            return Decision()
        field = SELECTED_NODE.get((wish.group, wish.resource), "")
        asked = Wish(
            node=node,
            verb=wish.verb,
            subresource=wish.subresource,
            namespace=wish.namespace,
            name=wish.name,
            resource=wish.resource,
            selected_node=wish.selected(field) if field else "",
        )
        answer = decide(asked, wish.group, self._relations.related)
        if answer is None:
            rules = self.rules.role_rules("ClusterRole", "", _NODE_ROLE) or ()
            allowed = any(rule.matches(wish.verb, wish.group, wish.resource, wish.subresource) for rule in rules)
            return ALLOW if allowed else Decision()
        return ALLOW if answer == ALLOWED else Decision(reason=answer)


def _settles(found: Decision, reasons: list[str], errors: list[str]) -> bool:
    if found.allowed or found.denied:
        return True
    if found.reason:
        reasons.append(found.reason)
    if found.error:
        errors.append(found.error)
    return False


def _matcher(wish: Attributes) -> Callable[[Rule], bool]:
    def matches(rule: Rule) -> bool:
        if wish.path:
            return rule.allows_url(wish.verb, wish.path)
        named = not rule.names or wish.name in rule.names
        return named and rule.matches(wish.verb, wish.group, wish.resource, wish.subresource)

    return matches
