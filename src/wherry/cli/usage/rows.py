"""What pods and nodes use, as rows of cells in kubectl's order and words. Pure.

Source: k8s.io/kubectl/pkg/metricsutil/metrics_printer.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from wherry.api.types import Object
from wherry.machinery.quantity import parse_milli, parse_value

UNKNOWN = "<unknown>"
_MEGA = 1024 * 1024
_LINE = "________"


@dataclass(frozen=True, slots=True)
class Amount:
    """Thousandths of cores, and bytes."""

    cpu: int = 0
    memory: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.cpu + other.cpu, self.memory + other.memory)

    def cells(self) -> list[str]:
        return [f"{self.cpu}m", f"{self.memory // _MEGA}Mi"]


def amount(usage: Mapping[str, str]) -> Amount:
    return Amount(parse_milli(usage.get("cpu", "0")), parse_value(usage.get("memory", "0")))


def pod_amount(pod: Object) -> Amount:
    return sum((amount(each["usage"]) for each in pod["containers"]), Amount())


def pod_header(*, namespaces: bool, containers: bool) -> list[str]:
    head = ["NAMESPACE"] if namespaces else []
    head += ["POD"] if containers else []
    return [*head, "NAME", "CPU(cores)", "MEMORY(bytes)"]


def pod_rows(
    pods: Iterable[Object], *, namespaces: bool = False, containers: bool = False, sort_by: str | None = None
) -> list[list[str]]:
    """By namespace and name, or the greatest first."""
    ordered = sorted(pods, key=lambda pod: (pod["metadata"]["namespace"], pod["metadata"]["name"]))
    if sort_by:
        ordered.sort(key=lambda pod: -getattr(pod_amount(pod), sort_by))
    rows: list[list[str]] = []
    for pod in ordered:
        head = [pod["metadata"]["namespace"]] if namespaces else []
        name = pod["metadata"]["name"]
        if containers:
            parts = sorted(pod["containers"], key=lambda each: each["name"])
            if sort_by:
                parts.sort(key=lambda each: -getattr(amount(each["usage"]), sort_by))
            rows += [[*head, name, each["name"], *amount(each["usage"]).cells()] for each in parts]
        else:
            rows.append([*head, name, *pod_amount(pod).cells()])
    return rows


def sum_rows(pods: Iterable[Object], width: int) -> list[list[str]]:
    """A line and the sum under the last two of `width` columns."""
    total = sum((pod_amount(pod) for pod in pods), Amount())
    blank = [""] * (width - 2)
    return [[*blank, _LINE, _LINE], [*blank, *total.cells()]]


NODE_HEADER: Sequence[str] = ("NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)")


def node_rows(
    metrics: Iterable[Object], available: Mapping[str, Mapping[str, str]], *, sort_by: str | None = None
) -> list[list[str]]:
    """`available` is what each node has, by name; nodes without metrics come last, as unknown."""
    known = sorted(metrics, key=lambda each: str(each["metadata"]["name"]))
    if sort_by:
        known.sort(key=lambda each: -getattr(amount(each["usage"]), sort_by))
    rows = [
        _node_row(each["metadata"]["name"], amount(each["usage"]), amount(available.get(each["metadata"]["name"], {})))
        for each in known
    ]
    missing = sorted(available.keys() - {each["metadata"]["name"] for each in known})
    return rows + [[name, *[UNKNOWN] * 4] for name in missing]


def _node_row(name: str, used: Amount, has: Amount) -> list[str]:
    cpu, memory = used.cells()
    return [name, cpu, _percent(used.cpu, has.cpu), memory, _percent(used.memory, has.memory)]


def _percent(part: int, whole: int) -> str:
    return f"{part * 100 // whole}%" if whole else UNKNOWN
