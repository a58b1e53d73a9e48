"""The status of an autoscaler while it is reconciled. Conditions stay in the order in which they first came."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.api.types import Object

ABLE, ACTIVE, LIMITED = "AbleToScale", "ScalingActive", "ScalingLimited"


class Status:
    """A copy to work on; `result` gives what is to be written."""

    def __init__(self, autoscaler: Object, now: str) -> None:
        old: Object = autoscaler.get("status") or {}
        self._now = now
        self._conditions: list[Object] = [dict(each) for each in old.get("conditions") or ()]
        self._last_scale: str | None = old.get("lastScaleTime")
        self.desired: int = old.get("desiredReplicas") or 0
        self.current: int = old.get("currentReplicas") or 0
        self.metrics: Sequence[Object] = old.get("currentMetrics") or ()

    def say(self, kind: str, status: bool, reason: str, message: str) -> None:
        """Set a condition; its time changes with its status."""
        text = "True" if status else "False"
        found = next((each for each in self._conditions if each["type"] == kind), None)
        if found is None:
            found = {"type": kind, "status": ""}
            self._conditions.append(found)
        if found["status"] != text:
            found["lastTransitionTime"] = self._now
        found |= {"status": text, "reason": reason, "message": message}

    def rescaled(self) -> None:
        self._last_scale = self._now

    def result(self, old: Object) -> Object:
        """The whole status; `old` says which generation was looked at, where it says so."""
        found: Object = {"currentReplicas": self.current, "desiredReplicas": self.desired}
        if self._last_scale:
            found["lastScaleTime"] = self._last_scale
        if self.metrics:
            found["currentMetrics"] = list(self.metrics)
        if self._conditions:
            found["conditions"] = self._conditions
        return {**{key: value for key, value in old.items() if key == "observedGeneration"}, **found}
