"""Objects and the bytes that are stored of them.

What always holds: `decoded` gives the one shared dict of an entry, which nobody changes; `fresh` gives one's own.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import orjson

from wherry.api.errors import BadRequest
from wherry.api.types import Object
from wherry.base.times import rfc3339
from wherry.store.port import Encode, Entry


def decoded(entry: Entry) -> Object:
    """The object of an entry, shared: not to be changed."""
    obj: Object | None = entry.memo
    if obj is None:
        obj = entry.memo = orjson.loads(entry.value)
    return obj


def fresh(entry: Entry) -> Object:
    """The object of an entry as a dict of one's own."""
    obj: Object = orjson.loads(entry.value)
    return obj


def encoder(obj: Object) -> Encode:
    """Serialises the object once its revision is known, and writes that into it."""

    def encode(revision: int) -> bytes:
        obj["metadata"]["resourceVersion"] = str(revision)
        return orjson.dumps(obj)

    return encode


def check_encodable(obj: Object) -> None:
    """Raises `BadRequest` for what JSON cannot hold or what is nested too deeply to be written again."""
    try:
        orjson.dumps(obj)
    except TypeError as error:
        raise BadRequest(f"the object cannot be stored: {error}") from error


def resource_version(obj: Mapping[str, Any]) -> str:
    version: str = obj["metadata"].get("resourceVersion", "")
    return version


def new_uid() -> str:
    return str(uuid.uuid4())


def stamp(seconds: float) -> str:
    return rfc3339(seconds)
