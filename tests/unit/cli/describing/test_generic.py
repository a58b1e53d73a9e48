"""Field names made readable."""

from __future__ import annotations

import pytest

from wherry.cli.describing.generic import label_of


@pytest.mark.parametrize(
    ("field", "label"),
    [
        ("nodeName", "Node Name"),
        ("podCIDRs", "Pod CID Rs"),
        ("uid", "UID"),
        ("apiVersion", "API Version"),
        ("lastURL", "Last URL"),
        ("k8s", "k8s"),
        ("example.com/x", "example.com/x"),
    ],
)
def test_labels(field: str, label: str) -> None:
    assert label_of(field) == label
