"""Protocol buffer bodies: numbers and schema give back the object, and nothing is guessed."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.api.schema.definitions import structure
from wherry.apiserver.protobuf.decode import MAGIC, Unlisted, decode
from wherry.apiserver.protobuf.fields import FIELDS, numbered
from wherry.apiserver.protobuf.wire import WireError
from wherry.testing.http import Api
from wherry.testing.manifests import MAPS

PROTOBUF = {"content-type": "application/vnd.kubernetes.protobuf"}


def number(value: int) -> bytes:
    value &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(at: int, value: Any) -> bytes:
    if isinstance(value, int):
        return number(at << 3) + number(value)
    data = value.encode() if isinstance(value, str) else value
    return number(at << 3 | 2) + number(len(data)) + data


def envelope(api_version: str, kind: str, raw: bytes) -> bytes:
    return MAGIC + field(1, field(1, api_version) + field(2, kind)) + field(2, raw)


METADATA = field(1, field(1, "a") + field(2, "") + field(7, 0) + field(8, b""))


def test_scalars_that_are_not_set_are_left_out() -> None:
    entry = field(1, "key") + field(2, "value")
    body = envelope("v1", "ConfigMap", METADATA + field(2, entry) + field(4, 0))
    assert decode(body) == {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"key": "value"}, "immutable": False,
    }  # fmt: skip


def test_quantities_and_numbers_or_names_are_texts_and_numbers() -> None:
    port = field(3, 80) + field(4, field(1, 1) + field(2, 0) + field(3, "http"))
    body = envelope("v1", "Service", METADATA + field(2, field(1, port)))
    assert decode(body)["spec"]["ports"] == [{"port": 80, "targetPort": "http"}]
    limits = field(1, "cpu") + field(2, field(1, "100m"))
    container = field(1, "c") + field(8, field(1, limits))
    body = envelope("v1", "Pod", METADATA + field(2, field(2, container) + field(4, -1)))
    spec = decode(body)["spec"]
    assert spec["containers"][0]["resources"]["limits"] == {"cpu": "100m"}
    assert spec["terminationGracePeriodSeconds"] == -1


def test_embedded_messages_belong_to_their_parent() -> None:
    source = field(2, field(19, field(1, field(1, "config"))))
    body = envelope("v1", "Pod", METADATA + field(2, field(1, field(1, "v") + source)))
    assert decode(body)["spec"]["volumes"] == [{"name": "v", "configMap": {"name": "config"}}]


def test_what_is_not_listed_is_not_guessed() -> None:
    with pytest.raises(Unlisted):
        decode(envelope("v1", "PersistentVolume", METADATA))
    with pytest.raises(Unlisted):
        decode(envelope("v1", "ConfigMap", field(99, "x")))


@pytest.mark.parametrize("body", [b"", b"{}", MAGIC + b"\x0a\xff", MAGIC + b"\xff" * 12, MAGIC + b"\x0b"])
def test_what_is_no_message_is_refused(body: bytes) -> None:
    with pytest.raises((WireError, Unlisted)):
        decode(body)


def test_every_listed_name_is_in_the_schema() -> None:
    prefixes = ("io.k8s.api.", "io.k8s.apimachinery.pkg.apis.")
    known = {n.removeprefix(p): s.get("properties") or {} for n, s in structure().items() for p in prefixes if n.startswith(p)}  # fmt: skip
    for message, line in FIELDS.items():
        names = [word.rstrip("*") for word in numbered(line).values() if not word.startswith("~")]
        if message in known:
            assert set(names) <= set(known[message]), message


async def test_bodies_are_answered_in_json(api: Api) -> None:
    answer = await api("POST", MAPS, envelope("v1", "ConfigMap", METADATA), PROTOBUF)
    assert (answer.status, answer.content_type) == (201, "application/json")
    unlisted = envelope("v1", "PersistentVolume", METADATA)
    assert (await api("POST", "/api/v1/persistentvolumes", unlisted, PROTOBUF)).status == 415
    assert (await api("POST", MAPS, b"k8s\x00\xff", PROTOBUF)).status == 400
