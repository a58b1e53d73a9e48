"""Bodies in protobuf form: read as what they say, answered in JSON, refused with a reason."""

from __future__ import annotations

from wherry.api.protobuf.envelope import MAGIC, MEDIA_TYPE
from wherry.testing.http import Api
from wherry.testing.manifests import MAPS

HEADERS = {"content-type": MEDIA_TYPE}
TYPE = b"\x0a\x02v1\x12\x09ConfigMap"
CONFIG_MAP = b"\x0a\x05\x0a\x01a\x42\x00" + b"\x12\x0c\x0a\x03key\x12\x05value"


def wrapped(kind: bytes, content: bytes) -> bytes:
    return MAGIC + b"\x0a" + bytes([len(kind)]) + kind + b"\x12" + bytes([len(content)]) + content


async def test_a_protobuf_body_is_stored_and_answered_in_json(api: Api) -> None:
    answer = await api("POST", MAPS, wrapped(TYPE, CONFIG_MAP), HEADERS)
    assert (answer.status, answer.content_type) == (201, "application/json")
    assert answer.body["data"] == {"key": "value"}


async def test_a_damaged_body_is_a_bad_request(api: Api) -> None:
    answer = await api("POST", MAPS, MAGIC + b"\xff", HEADERS)
    assert (answer.status, answer.reason) == (400, "BadRequest")
