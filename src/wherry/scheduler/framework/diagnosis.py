"""Why a pod fits nowhere, for the machine (which plugins said no) and for people (one sentence).

`0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint(s).`
Source: `FitError` in pkg/scheduler/framework/types.go; the wording is upstream's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from wherry.scheduler.framework.status import Status

NO_NODES = "no nodes available to schedule pods"


class Verdicts(Protocol):
    """What was said of each node that was looked at."""

    def get(self, node: str, /) -> Status | None: ...

    def __len__(self) -> int: ...

    def counts(self) -> Mapping[Status, int]:
        """How many nodes each status was given."""


class VerdictsByName(dict[str, Status]):
    """The plain form: an entry per node."""

    def counts(self) -> Mapping[Status, int]:
        return Counter(self.values())


class VerdictCounts:
    """Numbers only, where nobody asks about single nodes."""

    def __init__(self, counts: Mapping[Status, int]) -> None:
        self._counts = counts

    def get(self, node: str, /) -> Status | None:
        return None

    def __len__(self) -> int:
        return sum(self._counts.values())

    def counts(self) -> Mapping[Status, int]:
        return self._counts


@dataclass(slots=True)
class Diagnosis:
    """`nodes` has an entry for each node that was looked at; `absent` counts for all others."""

    total: int
    nodes: Verdicts = field(default_factory=VerdictsByName)
    absent: Status | None = None
    pre_filter: Status | None = None
    """Set where a plugin ruled out every node at once."""
    post_filter: str = ""
    """What was tried to make room, where it did not help."""

    def status(self, node: str) -> Status | None:
        return self.nodes.get(node) or self.pre_filter or self.absent

    def plugins(self) -> frozenset[str]:
        """Who said no; without a name in it, a new node is all that can help."""
        found = {status.plugin for status in self.nodes.counts()}
        found.update(status.plugin for status in (self.absent, self.pre_filter) if status is not None)
        return frozenset(found)

    @property
    def message(self) -> str:
        if not self.total:
            return NO_NODES
        text = f"0/{self.total} nodes are available:"
        if self.pre_filter is not None:
            text += f" {self.pre_filter.message}."
        elif reasons := self._reasons():
            text += f" {', '.join(reasons)}."
        return f"{text} {self.post_filter}" if self.post_filter else text

    def _reasons(self) -> list[str]:
        """Each reason with the number of nodes that gave it, sorted as text."""
        counts: Counter[str] = Counter()
        for status, nodes in self.nodes.counts().items():
            counts.update(dict.fromkeys(status.reasons, nodes) if nodes else ())
        if self.absent is not None and (rest := self.total - len(self.nodes)) > 0:
            counts.update(dict.fromkeys(self.absent.reasons, rest))
        return sorted(f"{count} {reason}" for reason, count in counts.items())
