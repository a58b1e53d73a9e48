"""Whether a container that ended runs again, and when.

The back-off is 10 s, doubling to 5 min; it is forgotten when a container ran for 10 min. The first restart is
immediate. Sources: the Kubernetes documentation "Pod lifecycle", KEP-5307 (rules per container).
"""

from __future__ import annotations

from dataclasses import dataclass

from wherry.api.types import Object
from wherry.node.pod import spec
from wherry.node.runtimes.port import ContainerPhase, ContainerState

INITIAL_SECONDS = 10.0
CAP_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class BackoffEntry:
    """How long the next wait is, and when that was decided (wall clock)."""

    delay: float
    updated: float

    def expired(self, at: float) -> bool:
        return at - self.updated > 2 * CAP_SECONDS


def ready_at(entry: BackoffEntry | None, finished_at: float) -> float:
    """The moment from which a container that ended at `finished_at` may be started again."""
    if entry is None or entry.expired(finished_at):
        return finished_at
    return finished_at + entry.delay


def next_entry(entry: BackoffEntry | None, finished_at: float, now: float) -> BackoffEntry:
    """What to remember when the container is started again."""
    if entry is None or entry.expired(finished_at):
        return BackoffEntry(INITIAL_SECONDS, now)
    return BackoffEntry(min(entry.delay * 2, CAP_SECONDS), now)


def go_duration(seconds: float) -> str:
    """`10s`, `1m20s`, `5m0s`, as Go prints a duration of whole seconds."""
    total = round(seconds)
    hours, rest = divmod(total, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours}h{minutes}m{left}s"
    return f"{minutes}m{left}s" if minutes else f"{left}s"


def policy(pod: Object, container: Object) -> str:
    """Always, OnFailure or Never: the container's own, else the pod's."""
    return str(container.get("restartPolicy") or pod["spec"].get("restartPolicy") or "Always")


def _matching_rule(container: Object, exit_code: int) -> bool:
    """Whether a `restartPolicyRules` entry asks for a restart after that exit code."""
    for rule in container.get("restartPolicyRules") or ():
        codes = rule.get("exitCodes") or {}
        inside = exit_code in (codes.get("values") or ())
        if inside == (codes.get("operator") == "In"):
            return rule.get("action") in ("Restart", "RestartAllContainers")
    return False


def restarts_after(pod: Object, container: Object, exit_code: int) -> bool:
    """Whether the container runs again after it ended with that code."""
    if _matching_rule(container, exit_code):
        return True
    wanted = policy(pod, container)
    return wanted == "Always" or (wanted == "OnFailure" and exit_code != 0)


def init_restarts_on_failure(pod: Object, container: Object, exit_code: int) -> bool:
    """Whether an init container that failed is tried again: any policy but Never says yes."""
    return _matching_rule(container, exit_code) or policy(pod, container) != "Never"


def should_run(pod: Object, container: Object, latest: ContainerState | None) -> bool:
    """Whether an app container that does not run now should be started."""
    if spec.is_deleted(pod):
        return False
    if latest is None or latest.phase is ContainerPhase.CREATED:
        return True
    if latest.phase is ContainerPhase.RUNNING:
        return False
    return restarts_after(pod, container, latest.exit_code)
