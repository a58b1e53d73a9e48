from __future__ import annotations

import pytest

from wherry.api.validation.cron import problem


@pytest.mark.parametrize(
    "schedule", ["* * * * *", "*/5 0-6/2 1,15 jan-mar SUN", "@hourly", "@every 1h30m", "? ? ? ? ?", "0 0 1 1 0"]
)
def test_good(schedule):
    assert problem(schedule) == ""


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        ("", "empty spec string"),
        ("* * *", "expected exactly 5 fields, found 3: [* * *]"),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("1/2/3 * * * *", "too many slashes: 1/2/3"),
        ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
        ("a * * * *", 'failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax'),
        ("@never", "unrecognized descriptor: @never"),
        ("@every x", 'failed to parse duration @every x: time: invalid duration "x"'),
    ],
)
def test_problems(schedule, text):
    assert problem(schedule) == text
