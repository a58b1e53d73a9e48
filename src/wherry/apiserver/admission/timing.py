"""How long admission takes, by plugin and by phase. Source: k8s.io/apiserver/pkg/admission/metrics."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from time import perf_counter
from typing import Final

from wherry.apiserver.admission.attributes import Attributes, Plugin
from wherry.base.histogram import Histogram

_BOUNDS: Final = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5)
_PLUGINS: Final = "apiserver_admission_controller_admission_duration_seconds"
_STEPS: Final = "apiserver_admission_step_admission_duration_seconds"


class Times:
    """What was passed and what was refused by one plugin or phase, for one kind of operation."""

    __slots__ = ("passed", "refused")

    def __init__(self) -> None:
        self.passed = Histogram(_BOUNDS)
        self.refused = Histogram(_BOUNDS)


class AdmissionTimes:
    """Counts since the server's start."""

    __slots__ = ("_plugins", "_steps")

    def __init__(self) -> None:
        self._plugins: dict[str, Times] = {}
        self._steps: dict[tuple[str, bool], Times] = {}

    def of_plugin(self, name: str, operation: str, validating: bool) -> Times:
        labels = f'name="{name}",{_labels(operation, validating)}'
        return self._plugins.setdefault(labels, Times())

    def of_step(self, operation: str, validating: bool) -> Times:
        times = self._steps.get((operation, validating))
        if times is None:
            times = self._steps[operation, validating] = Times()
        return times

    def lines(self) -> Iterator[str]:
        yield from _lines(_PLUGINS, self._plugins)
        yield from _lines(_STEPS, {_labels(*key): times for key, times in self._steps.items()})


def _labels(operation: str, validating: bool) -> str:
    return f'operation="{operation}",type="{"validate" if validating else "admit"}"'


def _lines(name: str, found: dict[str, Times]) -> Iterator[str]:
    if found:
        yield f"# TYPE {name} histogram"
    for labels, times in found.items():
        for rejected, histogram in (("false", times.passed), ("true", times.refused)):
            if any(histogram.counts):
                yield from histogram.lines(name, f'{labels},rejected="{rejected}"')


def timed(plugin: Plugin, times: Times) -> Plugin:
    """The plugin, each of whose answers is counted. What it waits for counts too."""

    def run(attributes: Attributes) -> Awaitable[None] | None:
        began = perf_counter()
        try:
            waiting = plugin(attributes)
        except Exception:
            times.refused.observe(perf_counter() - began)
            raise
        if waiting is not None:
            return _awaited(waiting, times, began)
        times.passed.observe(perf_counter() - began)
        return None

    return run


async def _awaited(waiting: Awaitable[None], times: Times, began: float) -> None:
    try:
        await waiting
    except Exception:
        times.refused.observe(perf_counter() - began)
        raise
    times.passed.observe(perf_counter() - began)
