"""Lines of the cluster's log, as `wherry.base.log.LineFormatter` writes them, sorted to components. Decisions only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

COMPONENTS: Mapping[str, frozenset[str]] = {
    "apiserver": frozenset(("apiserver", "wire")),
    "controllers": frozenset(("controllers",)),
    "scheduler": frozenset(("scheduler",)),
    "node": frozenset(("node",)),
    "network": frozenset(("network",)),
    "store": frozenset(("store",)),
    "cluster": frozenset(("cluster", "supervisor", "client", "wherry")),
}
"""What users call the parts, and the loggers of each (their first words)."""

_LINE = re.compile(r"(?P<time>[0-9]{4}-[0-9-]+T[0-9:.]+Z) [A-Z]+ +(?P<name>[a-zA-Z0-9_]+)[a-zA-Z0-9_.]*: ")


class Filter:
    """Keeps the lines of one component, from a moment on. A line without a head belongs to the one before it."""

    def __init__(self, component: str, *, since: str = "") -> None:
        self._names = COMPONENTS[component]
        self._since = since
        self._keeping = component == "cluster" and not since

    def keep(self, lines: Iterable[str]) -> Iterator[str]:
        for line in lines:
            if match := _LINE.match(line):
                # Times of one format compare as text.
                self._keeping = match["name"] in self._names and match["time"] >= self._since
            if self._keeping:
                yield line
