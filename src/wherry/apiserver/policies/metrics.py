"""The series that upstream has for validating policies. Source: k8s.io/apiserver/pkg/admission/plugin/policy/validating/metrics."""

from __future__ import annotations

from collections.abc import Iterator

from wherry.policy.admission.validating import Denial

_PREFIX = "apiserver_validating_admission_policy"
_BOUNDS = ("5e-07", "0.001", "0.01", "0.1", "1", "+Inf")


class PolicyMetrics:
    """Counts what did not hold, by policy, binding and what was done about it."""

    __slots__ = ("_checks",)

    def __init__(self) -> None:
        self._checks: dict[str, list[float]] = {}
        """By labels: how many checks took at most each bound, then the sum of seconds."""

    def observe(self, policy: str, binding: str, action: str, denial: Denial, seconds: float) -> None:
        error = "no_error" if denial.reason else "invalid_error"
        labels = (
            f'enforcement_action="{action.lower()}",error_type="{error}",policy="{policy}",policy_binding="{binding}"'
        )
        counts = self._checks.setdefault(labels, [0.0] * (len(_BOUNDS) + 1))
        for place, bound in enumerate(_BOUNDS):
            counts[place] += seconds <= float(bound)
        counts[-1] += seconds

    def lines(self) -> Iterator[str]:
        """In the Prometheus text format."""
        if self._checks:
            yield f"# TYPE {_PREFIX}_check_total counter"
        every = len(_BOUNDS) - 1
        for labels, counts in self._checks.items():
            yield f"{_PREFIX}_check_total{{{labels}}} {int(counts[every])}"
        if self._checks:
            yield f"# TYPE {_PREFIX}_check_duration_seconds histogram"
        for labels, counts in self._checks.items():
            for bound, count in zip(_BOUNDS, counts, strict=False):
                yield f'{_PREFIX}_check_duration_seconds_bucket{{{labels},le="{bound}"}} {int(count)}'
            yield f"{_PREFIX}_check_duration_seconds_sum{{{labels}}} {counts[-1]}"
            yield f"{_PREFIX}_check_duration_seconds_count{{{labels}}} {int(counts[every])}"
