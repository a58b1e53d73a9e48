"""What a fake pod does with its life, as its annotations or a file of rules say.

An annotation `wherry.dev/fake-NAME` of the pod (in a Deployment: of its template) sets one field; what it does not say, the
first rule that matches the pod says; pods of a Job run for a second unless told otherwise, all others for ever.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wherry.api.types import Object
from wherry.machinery import quantity

PREFIX = "wherry.dev/fake-"
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
JOB_SECONDS = 1.0


class LifeError(ValueError):
    """An annotation or a rule cannot be read; the message is one line that names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """Seconds; None is never. CPU in cores, memory in bytes, for each container."""

    start_delay: float = 0.0
    """From the moment the pod has its node until its containers run."""
    ready_delay: float | None = 0.0
    """From their start until they are ready."""
    run_time: float | None = None
    """From their start until they end by themselves."""
    exit_code: int = 0
    stop_delay: float = 0.0
    """From being told to stop until they have; at most the pod's grace period."""
    image_error: str = ""
    """The image cannot be pulled; this is the message."""
    cpu: float = 0.001
    memory: int = 1 << 20
    log: str = ""
    """What `kubectl logs` shows."""


def duration(text: str) -> float:
    """`90`, `1m30s`, `250ms`: seconds. Raises `ValueError`."""
    text = text.strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is no duration such as 30s or 1m30s")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def _moment(text: str) -> float | None:
    return None if text.strip() in ("never", "forever") else duration(text)


_READ: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "start-delay": ("start_delay", duration),
    "ready-delay": ("ready_delay", _moment),
    "run-time": ("run_time", _moment),
    "exit-code": ("exit_code", int),
    "stop-delay": ("stop_delay", duration),
    "image-error": ("image_error", str),
    "cpu": ("cpu", lambda text: quantity.parse_milli(text) / 1000),
    "memory": ("memory", quantity.parse_value),
    "log": ("log", str),
}
"""By the name in an annotation or in a rule."""


def fields(said: Mapping[str, Any], where: str) -> dict[str, Any]:
    """What is said, as fields of `Life`. Raises `LifeError`."""
    found = {}
    for name, value in said.items():
        if name not in _READ:
            raise LifeError(f"{where}: unknown {name!r}; there are {', '.join(_READ)}")
        field, read = _READ[name]
        try:
            found[field] = read(str(value))
        except ValueError as error:
            raise LifeError(f"{where}: {name}: {error}") from error
    return found


@dataclass(frozen=True, slots=True)
class Rule:
    """Pods that match get these fields."""

    labels: Mapping[str, str]
    namespace: str
    owner: str
    """The kind of the pod's controller."""
    gives: Mapping[str, Any]

    def matches(self, pod: Object) -> bool:
        metadata = pod["metadata"]
        if self.namespace and metadata.get("namespace") != self.namespace:
            return False
        if self.owner and owner_kind(pod) != self.owner:
            return False
        have = metadata.get("labels") or {}
        return all(have.get(key) == value for key, value in self.labels.items())


def owner_kind(pod: Object) -> str:
    """The kind of the pod's controller; empty without."""
    owners = pod["metadata"].get("ownerReferences") or ()
    return next((str(owner["kind"]) for owner in owners if owner.get("controller")), "")


BUILTIN = (Rule({}, "", "Job", {"run_time": JOB_SECONDS}),)


def read_rules(document: object) -> tuple[Rule, ...]:
    """The rules of a file (YAML, read): a list of `{match: {labels, namespace, owner}, life: {...}}`. Raises `LifeError`."""
    if not isinstance(document, list):
        raise LifeError("the file must hold a list of rules, each with match and life")
    return tuple(_rule(entry, f"rule {number}") for number, entry in enumerate(document, 1))


def _rule(entry: object, where: str) -> Rule:
    if not isinstance(entry, dict) or not {"life"} <= entry.keys() <= {"match", "life"}:
        raise LifeError(f"{where}: must have life, and may have match, and nothing else")
    match = entry.get("match") or {}
    if not isinstance(match, dict) or not match.keys() <= {"labels", "namespace", "owner"}:
        raise LifeError(f"{where}: match may have labels, namespace and owner")
    gives = fields(entry["life"] or {}, where)
    return Rule(match.get("labels") or {}, match.get("namespace") or "", match.get("owner") or "", gives)


class Lives:
    """Tells the life of a pod. What a pod's own annotations say wrongly is reported once by `complain` and left out."""

    def __init__(self, rules: Sequence[Rule] = (), *, complain: Callable[[Object, str], None] | None = None) -> None:
        self._rules = (*rules, *BUILTIN)
        self._complain = complain or (lambda pod, message: None)
        self._plain = Life()
        self._known: dict[tuple[tuple[str, str], ...], dict[str, Any] | str] = {}

    def of(self, pod: Object) -> Life:
        found = next((rule.gives for rule in self._rules if rule.matches(pod)), {})
        own = self._own(pod)
        return dataclasses.replace(self._plain, **{**found, **own}) if found or own else self._plain

    def _own(self, pod: Object) -> Mapping[str, Any]:
        annotations = pod["metadata"].get("annotations")
        if not annotations:
            return {}
        said = tuple((k, v) for k, v in annotations.items() if k.startswith(PREFIX))
        if not said:
            return {}
        known = self._known.get(said)
        if known is None:
            try:
                known = fields({key.removeprefix(PREFIX): value for key, value in said}, "annotations")
            except LifeError as error:
                known = str(error)
            if len(self._known) > 1000:
                self._known.clear()
            self._known[said] = known
            if isinstance(known, str):
                self._complain(pod, known)
        return {} if isinstance(known, str) else known
