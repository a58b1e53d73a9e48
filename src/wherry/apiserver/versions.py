"""Resource versions and continue tokens as clients send them.

Source: k8s.io/apiserver/pkg/storage/continue.go and etcd3/api_object_versioner.go.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

import orjson

from wherry.api.errors import BadRequest, Cause, Expired, Timeout, invalid

_NOT_BASE64 = re.compile(r"[^A-Za-z0-9_-]")
_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without"
    " the continue parameter, or use the continue token in this response to retrieve the remainder of the results."
    " Continuing with the provided token results in an inconsistent list - objects that were created, modified, or"
    " deleted between the time the first chunk was returned and now may show up in the list."
)


def parse_version(text: str) -> int | None:
    """None where the client named none. Raises `Invalid`."""
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) < 20:
        return int(text)
    why = f'Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
    raise invalid("", "ListOptions", "", [Cause("FieldValueInvalid", why, "resourceVersion")])


def check_not_future(version: int, current: int) -> None:
    """Raises `Timeout` for a version that this server has not reached."""
    if version > current:
        raise too_large(version, current)


def too_large(version: int, current: int) -> Timeout:
    return Timeout(
        f"Timeout: Too large resource version: {version}, current: {current}",
        causes=[Cause("ResourceVersionTooLarge", "Too large resource version")],
        retry_after_seconds=1,
    )


@dataclass(frozen=True, slots=True)
class ContinueToken:
    """Where the next page begins: after the last name, at a revision (-1: whatever there is then)."""

    revision: int
    after: str
    """`namespace/name` or `name` of the last object given, below the resource's prefix."""

    def encode(self) -> str:
        token = {"v": "meta.k8s.io/v1", "rv": self.revision, "start": self.after + "\u0000"}
        return urlsafe_b64encode(orjson.dumps(token)).rstrip(b"=").decode()

    @classmethod
    def decode(cls, text: str) -> ContinueToken:
        """Raises `BadRequest`."""
        if wrong := _NOT_BASE64.search(text):
            raise BadRequest(f"continue key is not valid: illegal base64 data at input byte {wrong.start()}")
        try:
            token = orjson.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            version, revision, start = token.get("v", ""), token.get("rv", 0), token.get("start", "")
        except ValueError as error:
            raise BadRequest("continue key is not valid: it is no text in JSON") from error
        except AttributeError as error:
            raise BadRequest("continue key is not valid: it is no object in JSON") from error
        if version != "meta.k8s.io/v1" or not isinstance(revision, int) or not isinstance(start, str):
            raise BadRequest("continue key is not valid: server does not recognize this encoded version")
        if not start or not revision or ".." in start.split("/"):
            raise BadRequest("continue key is not valid: incorrect encoded start resourceVersion or key")
        return cls(revision, start.rstrip("\u0000"))


class ExpiredToken(Expired):
    """A continue token whose revision is gone; `continue_` goes on with what there is now."""

    def __init__(self, continue_: str) -> None:
        super().__init__(_EXPIRED)
        self.continue_ = continue_


def expired_continue(after: str) -> Expired:
    """What a token whose revision is gone is answered with."""
    return ExpiredToken(ContinueToken(-1, after).encode())


def expired_list() -> Expired:
    return Expired("The resourceVersion for the provided list is too old.")
