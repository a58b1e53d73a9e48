"""Acting as somebody else for some actions only: a permission for the identity, and one for the action while impersonating.

Tried before the verb `impersonate`, which lets its holder do all that the other may.
Source: KEP-5284; "User impersonation" in the Kubernetes documentation (constrained impersonation).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from wherry.apiserver.authorization.attributes import Attributes
from wherry.apiserver.authorization.authorizer import Authorizer
from wherry.apiserver.tokens import service_account_user
from wherry.policy.node_access import GROUP as NODES
from wherry.policy.user import AUTHENTICATED, User

_GROUP = "authentication.k8s.io"
_ACCOUNT, _NODE = "system:serviceaccount:", "system:node:"
_OWN_NODE = "authentication.kubernetes.io/node-name"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom the headers name."""

    name: str
    groups: tuple[str, ...]
    uid: str
    extra: Mapping[str, tuple[str, ...]]

    @property
    def is_plain(self) -> bool:
        """Nothing but a name: what else a node or service account is follows from it."""
        return not (self.groups or self.uid or self.extra)


@dataclass(frozen=True, slots=True)
class Mode:
    """A way to impersonate: its name, what must be allowed for the identity, and who the caller is then."""

    name: str
    wishes: tuple[Attributes, ...]
    user: User

    @property
    def constraint(self) -> str:
        """As the audit log has it."""
        return f"impersonate:{self.name}"


def modes(requestor: User, wanted: Wanted, plain_user: User) -> Iterator[Mode]:
    """The modes that may apply, narrowest first; `plain_user` is whom the headers make of somebody who is neither node nor
    service account."""
    name = wanted.name
    if name.startswith(_NODE):
        if wanted.is_plain:
            yield from _node_modes(requestor, name.removeprefix(_NODE))
        return
    if name.startswith(_ACCOUNT):
        if wanted.is_plain and name.count(":") == 3:
            _, _, namespace, account = name.split(":")
            wish = Attributes(
                "impersonate:serviceaccount",
                group=_GROUP,
                resource="serviceaccounts",
                namespace=namespace,
                name=account,
            )
            yield Mode("serviceaccount", (wish,), service_account_user(namespace, account))
        return
    yield Mode("user-info", tuple(_user_wishes(wanted)), plain_user)


def _node_modes(requestor: User, node: str) -> Iterator[Mode]:
    user = User(f"{_NODE}{node}", (NODES, AUTHENTICATED))
    bound = requestor.name.startswith(_ACCOUNT) and requestor.extra.get(_OWN_NODE) == (node,)
    for mode, name in ((("associated-node", "*"),) if bound else ()) + (("arbitrary-node", node),):
        yield Mode(mode, (Attributes(f"impersonate:{mode}", group=_GROUP, resource="nodes", name=name),), user)


def _user_wishes(wanted: Wanted) -> Iterator[Attributes]:
    def wish(resource: str, name: str, subresource: str = "") -> Attributes:
        return Attributes("impersonate:user-info", group=_GROUP, resource=resource, subresource=subresource, name=name)

    yield wish("users", wanted.name)
    for group in wanted.groups:
        yield wish("groups", group)
    if wanted.uid:
        yield wish("uids", wanted.uid)
    for key, values in wanted.extra.items():
        for value in values:
            yield wish("userextras", value, key)


async def permitted_mode(
    authorizer: Authorizer, requestor: User, wanted: Wanted, plain_user: User, action: Attributes
) -> Mode | None:
    """The first mode in which the requestor may be that user for this action; None where there is none."""
    for mode in modes(requestor, wanted, plain_user):
        on = replace(action, verb=f"impersonate-on:{mode.name}:{action.verb}")
        for wish in (*mode.wishes, on):
            if not (await authorizer.permitted(requestor, wish)).allowed:
                break
        else:
            return mode
    return None
