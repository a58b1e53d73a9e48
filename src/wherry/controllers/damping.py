"""How soon to look at a workload again when one of its many pods has changed.

Looking costs time in proportion to the pods that there are. If every change of a pod were followed at once, a workload of
n pods that start would cost n x n; so large ones are given time to gather changes. Small ones never wait.
"""

from __future__ import annotations

FEW = 100
SECONDS_EACH = 0.0002
"""Some ten times what looking at one pod costs."""
LONGEST_SECONDS = 1.0


def pause(pods: int) -> float:
    """Seconds to wait for more changes; 0 for not at all."""
    return 0.0 if pods < FEW else min(LONGEST_SECONDS, pods * SECONDS_EACH)
