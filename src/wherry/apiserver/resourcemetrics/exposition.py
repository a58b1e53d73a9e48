"""What a node says at `/metrics/resource`, read: totals of CPU, memory and start times. Pure.

Other series, comments and lines that make no sense are passed over. Source: KEP-727; Prometheus' text format.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_SAMPLE = re.compile(r"(node|container)_(cpu_usage_seconds_total|memory_working_set_bytes|start_time_seconds)")
_LABEL = re.compile(r'(container|namespace|pod)="((?:[^"\\]|\\.)*)"')

Name = tuple[str, str]
"""A pod's namespace and name."""


@dataclass(slots=True)
class Point:
    """What somebody used up to a moment. Times are seconds since 1970; `started_at` is 0 where it is not told."""

    at: float = 0.0
    cpu_seconds: float = 0.0
    memory_bytes: int = 0
    started_at: float = 0.0


@dataclass(slots=True)
class Page:
    """One node and its pods' containers."""

    node: Point | None = None
    pods: dict[Name, dict[str, Point]] = field(default_factory=dict)


def read(text: str, now: float) -> Page:
    """`now` is the time of samples that carry none."""
    page = Page()
    for line in text.split("\n"):
        match = _SAMPLE.match(line)
        if match is None:
            continue
        labels, rest = _split(line, match.end())
        words = rest.split()
        try:
            value = float(words[0])
            at = int(words[1]) / 1000 if len(words) > 1 else now
        except (IndexError, ValueError):
            continue
        point = _node(page) if match[1] == "node" else _container(page, labels)
        if point is not None:
            _put(point, match[2], value, at)
    return page


def _split(line: str, end: int) -> tuple[str, str]:
    """The labels and what follows them."""
    if line[end : end + 1] != "{":
        return "", line[end:]
    close = line.rfind("}")
    return line[end + 1 : close], line[close + 1 :]


def _node(page: Page) -> Point:
    if page.node is None:
        page.node = Point()
    return page.node


def _container(page: Page, labels: str) -> Point | None:
    found = dict(_LABEL.findall(labels))
    if len(found) < 3:
        return None
    pod = page.pods.setdefault((found["namespace"], found["pod"]), {})
    return pod.setdefault(found["container"], Point())


def _put(point: Point, what: str, value: float, at: float) -> None:
    if what == "cpu_usage_seconds_total":
        point.cpu_seconds, point.at = value, at
    elif what == "memory_working_set_bytes":
        point.memory_bytes = int(value)
    else:
        point.started_at = value
