"""What objects are waited to be like."""

from __future__ import annotations

import pytest

from wherry.cli.errors import Refused
from wherry.cli.waiting.conditions import awaited, has_condition


def test_conditions_of_an_older_generation_do_not_count() -> None:
    conditions = [{"type": "Available", "status": "True"}]
    new = {"metadata": {"generation": 2}, "status": {"conditions": conditions, "observedGeneration": 2}}
    old = {"metadata": {"generation": 2}, "status": {"conditions": conditions, "observedGeneration": 1}}
    assert has_condition(new, "available", "true")
    assert not has_condition(old, "available", "true")


def test_paths_with_filters_and_quoted_values() -> None:
    phases = awaited("jsonpath={.status.c[?(@.type==\"Ready\")].status}='True'")
    assert phases.holds({"status": {"c": [{"type": "Ready", "status": "True"}]}})
    assert not phases.holds({"status": {"c": [{"type": "Other", "status": "True"}]}})
    assert awaited("jsonpath=.spec.replicas=3").holds({"spec": {"replicas": 3}})


@pytest.mark.parametrize("text", ["", "condition", "jsonpath={.x}=", "create=now"])
def test_what_cannot_be_waited_for(text: str) -> None:
    with pytest.raises(Refused):
        awaited(text)
