"""Sets of completion indexes as text: `1,3-5,7`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wherry.api.types import Object

ANNOTATION = "batch.kubernetes.io/job-completion-index"
FAILURES = "batch.kubernetes.io/job-index-failure-count"


def parse(text: str, completions: int) -> set[int]:
    """The set; what is not a number or not below `completions` is left out."""
    found: set[int] = set()
    for part in filter(None, (text or "").split(",")):
        first, dash, last = part.partition("-")
        try:
            found.update(range(int(first), int(last if dash else first) + 1))
        except ValueError:
            continue
    return {index for index in found if 0 <= index < completions}


def render(found: Iterable[int]) -> str:
    """The text; two neighbours stay apart by a comma, three or more become a range."""
    parts: list[str] = []
    runs: list[list[int]] = []
    for index in sorted(set(found)):
        if runs and runs[-1][-1] == index - 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    for run in runs:
        if len(run) > 2:
            parts.append(f"{run[0]}-{run[-1]}")
        else:
            parts += map(str, run)
    return ",".join(parts)


def index_of(pod: Object) -> int | None:
    """A pod's completion index; None for none."""
    return _number(pod["metadata"].get("annotations") or {}, ANNOTATION)


def failures_before(pod: Object) -> int:
    """How often the pod's index had failed before this pod was made."""
    return _number(pod["metadata"].get("annotations") or {}, FAILURES) or 0


def _number(annotations: Mapping[str, str], name: str) -> int | None:
    try:
        return int(annotations[name])
    except (KeyError, ValueError):
        return None
