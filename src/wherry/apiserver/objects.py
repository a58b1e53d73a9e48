"""Objects and the bytes that are stored of them.

What always holds: `decoded` gives the one shared dict of an entry, which nobody changes; `fresh` gives one's own.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
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
    """Serialises the object once its revision is known, and writes that into it. The kind comes first (see `item`)."""

    def encode(revision: int) -> bytes:
        obj["metadata"]["resourceVersion"] = str(revision)
        return orjson.dumps({"kind": obj["kind"], "apiVersion": obj["apiVersion"], **obj})

    return encode


def check_encodable(obj: Object) -> None:
    """Raises `BadRequest` for what JSON cannot hold or what is nested too deeply to be written again."""
    try:
        orjson.dumps(obj)
    except TypeError as error:
        raise BadRequest(f"the object cannot be stored: {error}") from error


_OMITTED_WHEN_EMPTY = ("labels", "annotations", "finalizers", "ownerReferences")


def drop_empty(metadata: Object) -> None:
    """Empty lists and maps of the metadata are not stored, as upstream's serializer leaves them out."""
    for field in _OMITTED_WHEN_EMPTY:
        if field in metadata and not metadata[field]:
            del metadata[field]


def resource_version(obj: Mapping[str, Any]) -> str:
    version: str = obj["metadata"].get("resourceVersion", "")
    return version


def new_uid() -> str:
    """A random UUID (version 4), made without the classes of `uuid`, which cost several times as much."""
    text = os.urandom(16).hex()
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"


def stamp(seconds: float) -> str:
    """The moment as a timestamp of Kubernetes."""
    return _stamp(int(seconds))


@lru_cache(maxsize=16)
def _stamp(seconds: int) -> str:
    return rfc3339(seconds)
