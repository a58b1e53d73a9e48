"""Speed, range and stabilisation, as numbers."""

from __future__ import annotations

import pytest

from wherry.api.types import Object
from wherry.controllers.autoscaler.limits import Bounds, History, allowed

UP: Object = {"stabilizationWindowSeconds": 0, "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]}
DOWN: Object = {"stabilizationWindowSeconds": 0, "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]}


def rules(*policies: tuple[str, int, int], select: str = "Max", window: int = 0) -> Object:
    found = [{"type": kind, "value": value, "periodSeconds": period} for kind, value, period in policies]
    return {"stabilizationWindowSeconds": window, "selectPolicy": select, "policies": found}


@pytest.mark.parametrize(
    ("current", "wanted", "expected", "reason"),
    [
        (1, 9, 4, "ScaleUpLimit"),
        (3, 9, 6, "ScaleUpLimit"),
        (8, 12, 10, "TooManyReplicas"),
        (3, 0, 2, "TooFewReplicas"),
        (3, 5, 5, "DesiredWithinRange"),
    ],
)
def test_without_behaviour_it_may_double(current: int, wanted: int, expected: int, reason: str) -> None:
    found = allowed(History(), wanted, Bounds(current, 2, 10), None, 1000.0)
    assert (found.replicas, found.limit[0], found.limited) == (expected, reason, reason != "DesiredWithinRange")


def test_without_behaviour_scaling_down_waits_five_minutes() -> None:
    history, bounds = History(), Bounds(6, 1, 10)
    history.begin(6, 1000.0)
    found = allowed(history, 2, bounds, None, 1015.0)
    assert (found.replicas, found.able[0]) == (6, "ScaleDownStabilized")
    found = allowed(history, 2, bounds, None, 1301.0)
    assert (found.replicas, found.able[0]) == (2, "ReadyForNewScale")


@pytest.mark.parametrize(
    ("up", "expected", "reason"),
    [
        (rules(("Pods", 2, 60)), 7, "ScaleUpLimit"),
        (rules(("Percent", 10, 60)), 6, "ScaleUpLimit"),  # rounded up
        (rules(("Pods", 2, 60), ("Percent", 100, 60)), 10, "ScaleUpLimit"),
        (rules(("Pods", 2, 60), ("Percent", 100, 60), select="Min"), 7, "ScaleUpLimit"),
        (rules(("Pods", 50, 60)), 12, "TooManyReplicas"),
        (rules(("Pods", 50, 60), select="Disabled"), 5, "ScaleUpLimit"),
    ],
)
def test_policies_limit_scaling_up(up: Object, expected: int, reason: str) -> None:
    found = allowed(History(), 20, Bounds(5, 1, 12), {"scaleUp": up, "scaleDown": DOWN}, 1000.0)
    assert (found.replicas, found.limit[0]) == (expected, reason)


@pytest.mark.parametrize(
    ("down", "expected", "reason"),
    [
        (rules(("Pods", 3, 60)), 7, "ScaleDownLimit"),
        (rules(("Percent", 25, 60)), 7, "ScaleDownLimit"),  # rounded down to what remains
        (rules(("Pods", 3, 60), ("Percent", 50, 60)), 5, "ScaleDownLimit"),
        (rules(("Pods", 3, 60), ("Percent", 50, 60), select="Min"), 7, "ScaleDownLimit"),
        (rules(("Pods", 50, 60)), 2, "TooFewReplicas"),
        (rules(("Pods", 50, 60), select="Disabled"), 10, "ScaleDownLimit"),
    ],
)
def test_policies_limit_scaling_down(down: Object, expected: int, reason: str) -> None:
    found = allowed(History(), 1, Bounds(10, 2, 12), {"scaleUp": UP, "scaleDown": down}, 1000.0)
    assert (found.replicas, found.limit[0]) == (expected, reason)


def test_what_was_added_within_the_period_counts() -> None:
    behavior = {"scaleUp": rules(("Pods", 4, 60)), "scaleDown": DOWN}
    history = History()
    first = allowed(history, 20, Bounds(2, 1, 30), behavior, 1000.0)
    assert first.replicas == 6
    history.scaled(2, 6, 1000.0, behavior)
    assert allowed(history, 20, Bounds(6, 1, 30), behavior, 1030.0).replicas == 6
    assert allowed(history, 20, Bounds(6, 1, 30), behavior, 1061.0).replicas == 10


def test_windows_hold_both_directions_back() -> None:
    behavior = {"scaleUp": rules(("Pods", 100, 15), window=60), "scaleDown": rules(("Pods", 100, 15), window=120)}
    history = History()
    history.begin(5, 1000.0)
    found = allowed(history, 9, Bounds(5, 1, 30), behavior, 1015.0)
    assert (found.replicas, found.able[0]) == (5, "ScaleUpStabilized")
    assert allowed(history, 8, Bounds(5, 1, 30), behavior, 1065.0).replicas == 8
    found = allowed(history, 2, Bounds(8, 1, 30), behavior, 1070.0)
    assert (found.replicas, found.able[0]) == (8, "ScaleDownStabilized")
    assert allowed(history, 2, Bounds(8, 1, 30), behavior, 1200.0).replicas == 2
