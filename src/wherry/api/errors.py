"""The one tree of Kubernetes errors: a class per `reason` of `metav1.Status`.

    StatusError
    ├── BadRequest            400  the request itself is malformed
    ├── Unauthorized          401  who are you?
    ├── Forbidden             403  you may not
    ├── NotFound              404  no such object (or no such resource)
    ├── MethodNotAllowed      405  the resource does not support this verb
    ├── NotAcceptable         406  no representation that the client accepts
    ├── AlreadyExists         409  the name is taken
    ├── Conflict              409  changed by somebody else, or a precondition failed
    ├── Gone                  410  no longer there and never coming back
    ├── Expired               410  the resource version is too old
    ├── RequestEntityTooLarge 413
    ├── UnsupportedMediaType  415
    ├── Invalid               422  understood, but fields are wrong: carries one cause per field
    ├── TooManyRequests       429  try again after `retry_after_seconds`
    ├── InternalError         500
    ├── ServiceUnavailable    503
    ├── ServerTimeout         504  the server could not do it in time; try again
    ├── Timeout               504  the client's time limit passed
    └── InsufficientStorage   507  the store's disk is full; nothing was written

The server raises them, turns each into a `Status` body; the client turns the body back into the same class.
Source: k8s.io/apimachinery/pkg/apis/meta/v1 `StatusReason*` and pkg/api/errors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from wherry.api.types import Object


@dataclass(frozen=True, slots=True)
class Cause:
    """One field that is wrong, as in `Status.details.causes`."""

    reason: str
    message: str
    field: str = ""

    def to_dict(self) -> Object:
        pairs = (("reason", self.reason), ("message", self.message), ("field", self.field))
        return {key: value for key, value in pairs if value}


class StatusError(Exception):
    """An answer other than success, with all that `metav1.Status` says about it."""

    code: ClassVar[int] = 500
    reason: ClassVar[str] = ""
    whole_resource = False
    """Said of a path rather than of an object: the details are there, and empty."""

    def __init__(
        self,
        message: str,
        *,
        group: str = "",
        kind: str = "",
        name: str = "",
        uid: str = "",
        causes: Sequence[Cause] = (),
        retry_after_seconds: int = 0,
        code: int | None = None,
        reason: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.group = group
        self.kind = kind
        self.name = name
        self.uid = uid
        self.causes = tuple(causes)
        self.retry_after_seconds = retry_after_seconds
        self.status_code = self.code if code is None else code
        self.status_reason = self.reason if reason is None else reason

    def details(self) -> Object:
        pairs: tuple[tuple[str, Any], ...] = (
            ("name", self.name),
            ("group", self.group),
            ("kind", self.kind),
            ("uid", self.uid),
            ("causes", [cause.to_dict() for cause in self.causes]),
            ("retryAfterSeconds", self.retry_after_seconds),
        )
        return {key: value for key, value in pairs if value}

    def to_status(self) -> Object:
        """The `metav1.Status` body."""
        status: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        if self.status_reason:
            status["reason"] = self.status_reason
        if (details := self.details()) or self.whole_resource:
            status["details"] = details
        status["code"] = self.status_code
        return status


class BadRequest(StatusError):
    code, reason = 400, "BadRequest"


class Unauthorized(StatusError):
    code, reason = 401, "Unauthorized"


class Forbidden(StatusError):
    code, reason = 403, "Forbidden"


class NotFound(StatusError):
    code, reason = 404, "NotFound"


class MethodNotAllowed(StatusError):
    code, reason = 405, "MethodNotAllowed"


class NotAcceptable(StatusError):
    code, reason = 406, "NotAcceptable"


class AlreadyExists(StatusError):
    code, reason = 409, "AlreadyExists"


class Conflict(StatusError):
    code, reason = 409, "Conflict"


class Gone(StatusError):
    code, reason = 410, "Gone"


class Expired(StatusError):
    code, reason = 410, "Expired"


class RequestEntityTooLarge(StatusError):
    code, reason = 413, "RequestEntityTooLarge"


class UnsupportedMediaType(StatusError):
    code, reason = 415, "UnsupportedMediaType"


class Invalid(StatusError):
    code, reason = 422, "Invalid"


class TooManyRequests(StatusError):
    code, reason = 429, "TooManyRequests"


class InternalError(StatusError):
    code, reason = 500, "InternalError"


class ServiceUnavailable(StatusError):
    code, reason = 503, "ServiceUnavailable"


class ServerTimeout(StatusError):
    code, reason = 504, "ServerTimeout"


class Timeout(StatusError):
    code, reason = 504, "Timeout"


class InsufficientStorage(StatusError):
    code, reason = 507, "InsufficientStorage"


_BY_REASON: dict[str, type[StatusError]] = {
    cls.reason: cls
    for cls in (
        BadRequest, Unauthorized, Forbidden, NotFound, MethodNotAllowed, NotAcceptable, AlreadyExists, Conflict, Gone,
        Expired, RequestEntityTooLarge, UnsupportedMediaType, Invalid, TooManyRequests, InternalError,
        ServiceUnavailable, ServerTimeout, Timeout, InsufficientStorage,
    )
}  # fmt: skip
_BY_CODE: dict[int, type[StatusError]] = {cls.code: cls for cls in reversed(_BY_REASON.values())}


def from_status(status: Mapping[str, Any], code: int) -> StatusError:
    """The error that a `Status` body (or, where it is no Status, only the HTTP code) stands for."""
    details: Mapping[str, Any] = status.get("details") or {}
    reason = status.get("reason") or ""
    cls = _BY_REASON.get(reason) or _BY_CODE.get(code, StatusError)
    causes = [Cause(c.get("reason", ""), c.get("message", ""), c.get("field", "")) for c in details.get("causes") or ()]
    return cls(
        status.get("message") or f"the server answered with HTTP status {code}",
        group=details.get("group", ""),
        kind=details.get("kind", ""),
        name=details.get("name", ""),
        uid=details.get("uid", ""),
        causes=causes,
        retry_after_seconds=details.get("retryAfterSeconds", 0),
        code=status.get("code") or code,
        reason=reason or None,
    )


def _qualified(group: str, plural: str) -> str:
    return f"{plural}.{group}" if group else plural


def not_found(group: str, plural: str, name: str) -> NotFound:
    """`pods "x" not found`, with upstream's wording."""
    return NotFound(f'{_qualified(group, plural)} "{name}" not found', group=group, kind=plural, name=name)


def already_exists(group: str, plural: str, name: str) -> AlreadyExists:
    return AlreadyExists(f'{_qualified(group, plural)} "{name}" already exists', group=group, kind=plural, name=name)


def conflict(group: str, plural: str, name: str, why: str) -> Conflict:
    """`Operation cannot be fulfilled on pods "x": why`."""
    message = f'Operation cannot be fulfilled on {_qualified(group, plural)} "{name}": {why}'
    return Conflict(message, group=group, kind=plural, name=name)


def invalid(group: str, kind: str, name: str, causes: Sequence[Cause]) -> Invalid:
    """`Pod "x" is invalid: spec.containers: Required value`, several as a list in brackets; `kind` is the Kind."""
    texts = list(dict.fromkeys(f"{c.field}: {c.message}" if c.field else c.message for c in causes))
    summary = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    subject = f"{kind}.{group}" if group else kind
    return Invalid(f'{subject} "{name}" is invalid: {summary}', group=group, kind=kind, name=name, causes=causes)
