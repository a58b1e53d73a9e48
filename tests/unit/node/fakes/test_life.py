"""What annotations and rules say of a fake pod."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.api.types import Object
from wherry.node.fakes.life import Life, LifeError, Lives, duration, read_rules


def pod(annotations: dict[str, str] | None = None, owner: str = "", **labels: str) -> Object:
    owners = [{"kind": owner, "controller": True}] if owner else []
    metadata = {"namespace": "default", "annotations": annotations or {}, "labels": labels, "ownerReferences": owners}
    return {"metadata": metadata}


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("1m30s", 90), ("250ms", 0.25), ("1.5h", 5400), ("1d", 86400)]
)
def test_durations(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "1m x", "-5s", "s"])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration such as 30s or 1m30s"):
        duration(text)


def test_a_pod_runs_for_ever_and_a_jobs_pod_for_a_second() -> None:
    assert Lives().of(pod()) == Life()
    assert Lives().of(pod(owner="Job")).run_time == 1.0


def test_annotations_win_over_rules() -> None:
    rules = read_rules([{"match": {"labels": {"app": "db"}}, "life": {"start-delay": "30s", "cpu": "2"}}])
    life = Lives(rules).of(pod({"wherry.dev/fake-cpu": "250m", "wherry.dev/fake-ready-delay": "never"}, app="db"))
    assert (life.start_delay, life.cpu, life.ready_delay) == (30.0, 0.25, None)
    assert Lives(rules).of(pod(app="web")) == Life()


def test_a_wrong_annotation_is_told_once_and_left_out() -> None:
    told: list[str] = []
    lives = Lives(complain=lambda obj, message: told.append(message))
    wrong = pod({"wherry.dev/fake-run-time": "soon"})
    assert lives.of(wrong) == lives.of(wrong) == Life()
    assert told == ["annotations: run-time: 'soon' is no duration such as 30s or 1m30s"]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "must hold a list of rules"),
        ([{}], "rule 1: must have life"),
        ([{"life": {}, "when": {}}], "rule 1: must have life, and may have match, and nothing else"),
        ([{"life": {"speed": 1}}], "rule 1: unknown 'speed'; there are start-delay"),
        ([{"life": {}}, {"match": {"name": "x"}, "life": {}}], "rule 2: match may have labels, namespace and owner"),
        ([{"life": {"memory": "lots"}}], "rule 1: memory: "),
    ],
)
def test_wrong_rules(document: Any, message: str) -> None:
    with pytest.raises(LifeError, match=message):
        read_rules(document)
