"""One request on its way through the pipeline, and the parts of the server that the handlers work with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from wherry.api.errors import MethodNotAllowed, NotFound
from wherry.apiserver.objects import new_uid
from wherry.apiserver.registry import Served
from wherry.apiserver.request_info import PathInfo
from wherry.wire.messages import Headers, Reply, Request

if TYPE_CHECKING:
    from wherry.apiserver.audit.events import Record
    from wherry.apiserver.negotiation import Format
    from wherry.apiserver.parts import Parts
    from wherry.policy.user import User

Answer = Reply | Awaitable[Reply]
Stage = Callable[["Call"], Answer]
"""A handler, or a middleware wrapped round one. Gives the reply itself where nothing has to be waited for."""

_NO_QUERY: dict[str, list[str]] = {}


class Call:
    """One request, filled in from stage to stage: path and verb, then the user, then what the handler finds out."""

    __slots__ = (
        "_query", "accepted", "audit", "audit_annotations", "audit_id", "flow", "info", "parts", "request", "user", "verb", "warnings",
    )  # fmt: skip

    user: User
    """Who asks; set by authentication."""

    def __init__(self, request: Request, parts: Parts, info: PathInfo, verb: str, accepted: Format | None) -> None:
        self.request = request
        self.parts = parts
        self.info = info
        self.verb = verb
        self.accepted = accepted
        """The form that the client wants; None where nothing it accepts can be given."""
        self.flow: Headers = ()
        """What the answer says of priority and fairness."""
        self.warnings: list[str] = []
        self.audit: Record | None = None
        """What the audit log is told of this request; None where it is told nothing."""
        self.audit_id = request.headers.get("audit-id") or new_uid()
        """Names the request in the audit log, and in the answer."""
        self.audit_annotations: dict[str, str] | None = None
        """What admission wants written into the audit log; see `annotate`."""
        self._query: dict[str, list[str]] | None = None

    @property
    def served(self) -> Served:
        """The resource asked for. Raises `NotFound` where it is not served."""
        served = self.info.served
        if served is None:
            raise resource_missing()
        return served

    @property
    def query(self) -> dict[str, list[str]]:
        if self._query is None:
            self._query = self.request.query() if self.request.raw_query else _NO_QUERY
        return self._query

    def parameter(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        values = self.query.get(name)
        return values[0] if values else default

    def annotate(self, key: str, value: str) -> None:
        """Note something for the audit log; what is noted under a key stays."""
        if self.audit_annotations is None:
            self.audit_annotations = {}
        self.audit_annotations.setdefault(key, value)

    def warn(self, text: str) -> None:
        """Tell the client in a `Warning` header; said once."""
        if text not in self.warnings:
            self.warnings.append(text)


def not_allowed() -> MethodNotAllowed:
    """The answer to a method that the path does not have."""
    error = MethodNotAllowed("the server does not allow this method on the requested resource")
    error.whole_resource = True
    return error


def resource_missing() -> NotFound:
    """The answer to a path below a served version that names no resource."""
    error = NotFound("the server could not find the requested resource")
    error.whole_resource = True
    return error
