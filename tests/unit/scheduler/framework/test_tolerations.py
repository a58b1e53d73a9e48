"""Which tolerations cover which taints."""

from __future__ import annotations

import pytest

from wherry.scheduler.framework.tolerations import tolerates, untolerated

TAINT = {"key": "k", "value": "v", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("toleration", "covers"),
    [
        ({"key": "k", "value": "v", "effect": "NoSchedule"}, True),
        ({"key": "k", "operator": "Equal", "value": "v"}, True),
        ({"key": "k", "operator": "Exists"}, True),
        ({"operator": "Exists"}, True),
        ({"key": "k", "value": "other"}, False),
        ({"key": "other", "operator": "Exists"}, False),
        ({"key": "k", "operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "k"}, False),
    ],
)
def test_a_toleration(toleration: dict[str, str], covers: bool):
    assert tolerates(toleration, TAINT) is covers


def test_the_first_taint_that_is_left():
    other = {"key": "o", "effect": "NoExecute"}
    assert untolerated([TAINT, other], [{"key": "k", "operator": "Exists"}]) is other
    assert untolerated([TAINT], [{"operator": "Exists"}]) is None
