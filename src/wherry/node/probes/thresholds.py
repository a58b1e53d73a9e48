"""When results of a probe in a row change its verdict: pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from wherry.api.types import Object


class ProbeKind(StrEnum):
    STARTUP = "startup"
    READINESS = "readiness"
    LIVENESS = "liveness"

    @property
    def spec_field(self) -> str:
        return f"{self.value}Probe"

    @property
    def heading(self) -> str:
        """As events begin: `Readiness probe failed: ...`."""
        return self.value.capitalize()


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """A probe's numbers, with the API's defaults."""

    initial_delay: float = 0.0
    period: float = 10.0
    timeout: float = 1.0
    success_threshold: int = 1
    failure_threshold: int = 3

    @classmethod
    def of(cls, probe: Object) -> Timing:
        return cls(
            initial_delay=float(probe.get("initialDelaySeconds") or 0),
            period=float(probe.get("periodSeconds") or 10),
            timeout=float(probe.get("timeoutSeconds") or 1),
            success_threshold=int(probe.get("successThreshold") or 1),
            failure_threshold=int(probe.get("failureThreshold") or 3),
        )


@dataclass(frozen=True, slots=True)
class Run:
    """The verdict so far, and how many equal results there were in a row. `verdict` None: not decided yet."""

    verdict: bool | None = None
    last: bool | None = None
    count: int = 0


def after(run: Run, success: bool, timing: Timing) -> Run:
    """The run with one more result."""
    count = run.count + 1 if run.last is success else 1
    needed = timing.success_threshold if success else timing.failure_threshold
    following = Run(run.verdict, success, count)
    return replace(following, verdict=success) if count >= needed else following
