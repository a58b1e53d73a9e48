"""Judging a pod by a level and a version.

Checks of the baseline come first, then those of the restricted level, each by their names; a restricted check that says
the same as one of the baseline, and more, takes its place. Source: k8s.io/pod-security-admission/policy/registry.go.
"""

from __future__ import annotations

from functools import lru_cache

from wherry.api.types import Object
from wherry.policy.podsecurity.checks.table import CHECKS, NEWEST_MINOR, Check
from wherry.policy.podsecurity.levels import BASELINE, PRIVILEGED, RESTRICTED, LevelVersion
from wherry.policy.podsecurity.subject import Judge, Violation, subject_of


def evaluate(wanted: LevelVersion, metadata: Object, spec: Object) -> list[Violation]:
    """What keeps the pod from that level; empty where it fits."""
    if wanted.level == PRIVILEGED:
        return []
    subject = subject_of(metadata, spec)
    judges = _judges(wanted.level, min(wanted.minor, NEWEST_MINOR))
    return [violation for judge in judges if (violation := judge(subject)) is not None]


@lru_cache(maxsize=256)
def _judges(level: str, minor: int) -> tuple[Judge, ...]:
    levels = (BASELINE,) if level == BASELINE else (BASELINE, RESTRICTED)
    chosen = [check for each in levels for check in CHECKS if check.level == each and _judge(check, minor)]
    replaced = {check.replaces for check in chosen}
    return tuple(judge for check in chosen if check.name not in replaced and (judge := _judge(check, minor)))


def _judge(check: Check, minor: int) -> Judge | None:
    """The check's rule of that version: the newest that is not newer."""
    fitting = [judge for since, judge in check.versions if since <= minor]
    return fitting[-1] if fitting else None
