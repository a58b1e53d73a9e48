"""The envelope round every object in protobuf form: four magic bytes, then a `runtime.Unknown` with type and content.

Source: k8s.io/apimachinery/pkg/runtime/serializer/protobuf.
"""

from __future__ import annotations

from wherry.api.protobuf import messages
from wherry.api.protobuf.wire import ProtobufError, fields
from wherry.api.types import Object

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
MAGIC = b"k8s\x00"


def decode(body: bytes) -> Object:
    """The object in an envelope, as JSON would have had it. Raises `ProtobufError`."""
    if body[:4] != MAGIC:
        raise ProtobufError("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    api_version, kind, raw = _parts(body[4:])
    name = message_of(api_version, kind)
    if not messages.known(name):
        raise ProtobufError(f'no kind "{kind}" is registered for version "{api_version}" in protobuf form')
    return {"apiVersion": api_version, "kind": kind, **messages.decode(name, raw)}


def message_of(api_version: str, kind: str) -> str:
    """`apps/v1`, `Deployment` -> `apps.v1.Deployment`. Kinds of meta/v1 are sent under any group."""
    if messages.known(f"meta.v1.{kind}"):
        return f"meta.v1.{kind}"
    group, _, version = api_version.rpartition("/")
    return f"{group.partition('.')[0] or 'core'}.{version}.{kind}"


def _parts(data: bytes) -> tuple[str, str, bytes]:
    api_version = kind = ""
    raw = b""
    for number, value in fields(data):
        if number == 1 and isinstance(value, bytes):
            meta = messages.decode("runtime.TypeMeta", value)
            api_version, kind = meta.get("apiVersion", ""), meta.get("kind", "")
        elif number == 2 and isinstance(value, bytes):
            raw = value
    return api_version, kind, raw
