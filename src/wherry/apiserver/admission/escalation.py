"""Nobody writes a role or a binding that gives more than they have themselves.

Source: pkg/registry/rbac/*/policybased.
"""

from __future__ import annotations

from wherry.apiserver.admission.attributes import Attributes
from wherry.policy.escalation import check_binding, check_role


def on_write_role(attributes: Attributes) -> None:
    new, old = attributes.obj, attributes.old
    authorizer = attributes.parts.authorizer
    if not authorizer.enabled or new is None:
        return
    unchanged = old is not None and all(new.get(field) == old.get(field) for field in ("rules", "aggregationRule"))
    if not unchanged:
        check_role(authorizer.rules, attributes.user, new)


def on_write_binding(attributes: Attributes) -> None:
    new, old = attributes.obj, attributes.old
    authorizer = attributes.parts.authorizer
    if not authorizer.enabled or new is None:
        return
    unchanged = old is not None and all(new.get(field) == old.get(field) for field in ("roleRef", "subjects"))
    if not unchanged:
        check_binding(authorizer.rules, attributes.user, new)
