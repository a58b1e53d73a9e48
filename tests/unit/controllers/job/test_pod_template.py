"""The pods that a job makes."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.controllers.job.pod_template import make


@pytest.mark.parametrize(
    ("job", "name"),
    [("work", "work-7-abcde"), ("w" * 63, "w" * 55 + "-7-abcde")],
)
def test_the_index_is_never_cut_off_a_name(job: str, name: str) -> None:
    spec: dict[str, Any] = {"template": {"spec": {"containers": [{"name": "main"}]}}}
    owner = {"metadata": {"name": job, "namespace": "default"}, "spec": spec}
    assert make(owner, {}, index=7, suffix="abcde")["metadata"]["name"] == name
