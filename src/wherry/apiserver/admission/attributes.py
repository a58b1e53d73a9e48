"""What an admission plugin is told about a write.

Source: k8s.io/apiserver/pkg/admission/attributes.go.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from wherry.api.errors import Forbidden
from wherry.api.types import Object
from wherry.apiserver.registry import Served

if TYPE_CHECKING:
    from wherry.apiserver.call import Call
    from wherry.apiserver.parts import Parts
    from wherry.policy.user import User

Operation = Literal["CREATE", "UPDATE", "DELETE", "CONNECT"]


@dataclass(slots=True, kw_only=True)
class Attributes:
    """One write. Plugins change `obj` in place; `old` is None on create, `obj` is None on delete."""

    operation: Operation
    served: Served
    subresource: str
    namespace: str
    name: str
    obj: Object | None
    old: Object | None
    user: User
    dry_run: bool
    warn: Callable[[str], None]
    """Tells the client something in a `Warning` header."""
    parts: Parts
    call: Call
    """The request that this write is part of."""
    reinvoke: bool = False
    """Set by a plugin that changed `obj` so that the others should look at it again."""
    again: bool = False
    """Whether this is that second look."""
    memory: dict[str, Any] | None = None
    """What plugins keep between their two looks, by plugin."""

    def forbid(self, why: str) -> Forbidden:
        """`pods "x" is forbidden: why`."""
        return forbidden(self.served, self.name or _own_name(self.obj), why)


def _own_name(obj: Object | None) -> str:
    """What an object without a name is called until it is given one."""
    metadata = (obj or {}).get("metadata") or {}
    name: str = metadata.get("name") or metadata.get("generateName") or ""
    return name


def forbidden(served: Served, name: str, why: str) -> Forbidden:
    shown = f' "{name}"' if name else ""
    return Forbidden(
        f"{served.qualified}{shown} is forbidden: {why}", group=served.group, kind=served.plural, name=name
    )


Plugin = Callable[[Attributes], Awaitable[None] | None]
"""Gives something to await only where it has to wait for somebody outside."""
