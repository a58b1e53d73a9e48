"""How a refusal is worded. Source: apiserver pkg/endpoints/handlers/responsewriters."""

from __future__ import annotations

from wherry.api.errors import Forbidden
from wherry.policy.user import User


def forbidden(
    user: User,
    verb: str,
    group: str,
    resource: str,
    *,
    subresource: str = "",
    namespace: str = "",
    name: str = "",
    reason: str = "",
) -> Forbidden:
    """`pods is forbidden: User "x" cannot list resource "pods" in API group "" in the namespace "default"`."""
    what = f"{resource}/{subresource}" if subresource else resource
    where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    sentence = f'User "{user.name}" cannot {verb} resource "{what}" in API group "{group}" {where}'
    return forbidden_because(group, resource, name, f"{sentence}: {reason}" if reason else sentence)


def forbidden_because(group: str, resource: str, name: str, why: str) -> Forbidden:
    """`pods "x" is forbidden: why`."""
    subject = f"{resource}.{group}" if group else resource
    subject = f'{subject} "{name}"' if name else subject
    return Forbidden(f"{subject} is forbidden: {why}", group=group, kind=resource, name=name)


def forbidden_path(user: User, verb: str, path: str) -> Forbidden:
    """`forbidden: User "x" cannot get path "/metrics"`."""
    return Forbidden(f'forbidden: User "{user.name}" cannot {verb} path "{path}"')
