"""Selectors of devices: what they see of a device, and which are refused."""

from __future__ import annotations

import pytest

from wherry.api.device_selectors import MAX_COST, SelectorError, compiled, matches
from wherry.machinery.cel.values import EvaluationError

DRIVER = "gpu.example.com"
DEVICE = {
    "attributes": {
        "memoryGiB": {"int": 16},
        "gpu.example.com/model": {"string": "A"},
        "other.example.com/fast": {"bool": True},
        "driverVersion": {"version": "1.2.3"},
    },
    "capacity": {"memory": {"value": "16Gi"}},
}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ('device.driver == "gpu.example.com"', True),
        ('device.attributes["gpu.example.com"].memoryGiB >= 16', True),
        ('device.attributes["gpu.example.com"].model == "B"', False),
        ('device.attributes["other.example.com"].fast', True),
        ('"none.example.com" in device.attributes && has(device.attributes["none.example.com"].x)', False),
        ('device.attributes["gpu.example.com"].driverVersion.isGreaterThan(semver("1.0.0"))', True),
        ('device.capacity["gpu.example.com"].memory.compareTo(quantity("8Gi")) > 0', True),
        ('cel.bind(a, device.attributes["gpu.example.com"], a.memoryGiB > 1 && a.model == "A")', True),
    ],
)
def test_a_selector_sees_the_device(text: str, result: bool) -> None:
    program = compiled(text)
    assert program.cost_estimate().high <= MAX_COST
    assert matches(program, driver=DRIVER, device=DEVICE) is result


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "device.drive",
            "compilation failed: ERROR: <input>:1:7: undefined field 'drive'\n | device.drive\n | ......^",
        ),
        ("device.driver", "must evaluate to bool or the unknown type, not string"),
    ],
)
def test_a_wrong_selector_is_told(text: str, message: str) -> None:
    with pytest.raises(SelectorError) as caught:
        compiled(text)
    assert str(caught.value) == message


def test_an_attribute_that_is_not_there_is_an_error() -> None:
    with pytest.raises(EvaluationError, match="no such key: x"):
        matches(compiled('device.attributes["none"].x'), driver=DRIVER, device=DEVICE)
