import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.api.protobuf import envelope, messages
from wherry.api.protobuf.wire import ProtobufError, fields, signed, varint

KUBECTL_CREATE_DEPLOYMENT = base64.b64decode(
    "azhzAAoVCgdhcHBzL3YxEgpEZXBsb3ltZW50Ep8BChsKAXgSABoAIgAqADIAOABCAFoICgNhcHASAXgScggCEgoKCAoDYXBwEgF4GloKGgoA"
    "EgAaACIAKgAyADgAQgBaCAoDYXBwEgF4EjwSHgoDZm9vEgNmb28qAEIAagByAIABAIgBAJABAKIBABoAMgBCAEoAUgBYAGAAaACCAQCKAQCa"
    "AQDCAQAiAgoAKAA4ABoMCAAQABgAIAAoADgAGgAiAA=="
)
"""What kubectl 1.32 sends for `kubectl create deployment x --image=foo --replicas=2`."""


def message(*parts: tuple[int, bytes | int]) -> bytes:
    out = b""
    for number, value in parts:
        if isinstance(value, int):
            out += number_of(number << 3) + number_of(value)
        else:
            out += number_of(number << 3 | 2) + number_of(len(value)) + value
    return out


def number_of(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def wrapped(api_version: str, kind: str, content: bytes) -> bytes:
    meta = message((1, api_version.encode()), (2, kind.encode()))
    return envelope.MAGIC + message((1, meta), (2, content))


def test_what_kubectl_sends_is_what_json_would_have_said() -> None:
    assert envelope.decode(KUBECTL_CREATE_DEPLOYMENT) == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "x", "labels": {"app": "x"}},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "x"}},
            "strategy": {},
            "template": {
                "metadata": {"labels": {"app": "x"}},
                "spec": {"containers": [{"name": "foo", "image": "foo", "resources": {}}]},
            },
        },
        "status": {},
    }


def test_zeros_that_mean_something_stay() -> None:
    assert messages.decode("apps.v1.DeploymentSpec", message((1, 0), (5, 0), (7, 0))) == {"replicas": 0}


def test_times_quantities_and_ports_become_their_json_forms() -> None:
    assert messages.decode("meta.v1.Time", message((1, 1_767_225_600))) == "2026-01-01T00:00:00Z"
    assert messages.decode("meta.v1.Time", b"") is None
    limits = message((1, message((1, b"cpu"), (2, message((1, b"500m"))))))
    assert messages.decode("core.v1.ResourceRequirements", limits) == {"limits": {"cpu": "500m"}}
    assert messages.decode("intstr.IntOrString", message((1, 0), (2, 8080))) == 8080
    assert messages.decode("intstr.IntOrString", message((1, 1), (3, b"http"))) == "http"


def test_bytes_are_base64_as_in_json() -> None:
    secret = message((2, message((1, b"password"), (2, b"\x00\xff"))))
    assert messages.decode("core.v1.Secret", secret) == {"data": {"password": "AP8="}}


def test_what_go_inlines_is_inlined() -> None:
    volume = message((1, b"cache"), (2, message((2, message((1, b"Memory"))))))
    assert messages.decode("core.v1.Volume", volume) == {"name": "cache", "emptyDir": {"medium": "Memory"}}


@pytest.mark.parametrize(
    "body, why",
    [
        (b"", "expected prefix"),
        (b"k8s\x00\x0a\xff", "unexpected end"),
        (wrapped("v1", "Nothing", b""), 'no kind "Nothing" is registered'),
        (wrapped("v1", "Pod", b"\x0a\x05ab"), "unexpected end"),
        (wrapped("v1", "Pod", b"\x08\x01"), "a number stands where a message should be"),
        (wrapped("v1", "Pod", b"\x0b"), "wire type 3"),
        (wrapped("v1", "Pod", message((1, message((1, b"\xff\xfe"))))), "not valid UTF-8"),
    ],
)
def test_damaged_messages_are_refused_with_a_reason(body: bytes, why: str) -> None:
    with pytest.raises(ProtobufError, match=why):
        envelope.decode(body)


@given(st.binary(max_size=200))
def test_no_bytes_do_anything_but_decode_or_be_refused(data: bytes) -> None:
    for kind in ("Pod", "Secret", "Event", "DeleteOptions"):
        try:
            envelope.decode(wrapped("v1", kind, data))
        except ProtobufError:
            pass


@given(st.integers(min_value=-(2**63), max_value=2**63 - 1))
def test_signed_numbers_come_back(value: int) -> None:
    number, end = varint(number_of(value & (2**64 - 1)), 0)
    assert signed(number) == value
    assert end <= 10


def test_every_message_that_is_named_is_known() -> None:
    table = messages._table()
    for name in table:
        for field in messages._fields_of(name).values():
            assert field.type in messages._SCALARS or field.type in table, (name, field)


def test_fields_reads_fixed_width_numbers() -> None:
    assert list(fields(b"\x09" + b"\x01" * 8 + b"\x15" + b"\x02" * 4)) == [(1, b"\x01" * 8), (2, b"\x02" * 4)]
