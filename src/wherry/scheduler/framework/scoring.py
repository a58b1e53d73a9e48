"""Bringing scores to the scale from 0 to 100. Source: plugins/helper/normalize_score.go."""

from __future__ import annotations

from collections.abc import Sequence

MAX_SCORE = 100


def to_maximum(scores: Sequence[int]) -> list[int]:
    """The highest becomes 100."""
    highest = max(scores, default=0)
    return [score * MAX_SCORE // highest for score in scores] if highest else [0] * len(scores)


def reversed_to_maximum(scores: Sequence[int]) -> list[int]:
    """The highest becomes 0, and 0 becomes 100."""
    highest = max(scores, default=0)
    if not highest:
        return [MAX_SCORE] * len(scores)
    return [MAX_SCORE - score * MAX_SCORE // highest for score in scores]
