"""What a list or a watch selects: label and field selectors as one test on the stored object.

Which fields can be selected on differs by kind. Source: pkg/apis/core/v1/conversion.go (AddFieldLabelConversionFunc),
pkg/registry/*/strategy.go (ToSelectableFields).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from wherry.api.errors import BadRequest
from wherry.api.types import Object
from wherry.apiserver.options import ListOptions
from wherry.apiserver.registry import Served
from wherry.machinery.field_selectors import FieldTerm, parse_fields
from wherry.machinery.selector_grammar import SelectorError
from wherry.machinery.selectors import parse

Matches = Callable[[Object], bool]
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """Where a field is in the stored object, and what it counts as when it is left out."""

    path: Path
    absent: str = ""


def _fields(*names: str, **absent: str) -> dict[str, Field]:
    return {name: Field(tuple(name.split(".")), absent.get(name.replace(".", "_"), "")) for name in names}


_INVOLVED = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
_META = _fields("metadata.name", "metadata.namespace")
_BY_KIND: Mapping[str, Mapping[str, Field]] = {
    "pods": _fields(
        "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork",
        "status.phase", "status.podIP", "status.podIPs", "status.nominatedNodeName", spec_hostNetwork="false",
    ),
    "nodes": _fields("spec.unschedulable", spec_unschedulable="false"),
    "namespaces": _fields("status.phase"),
    "secrets": _fields("type"),
    "services": _fields("spec.clusterIP", "spec.type"),
    "replicationcontrollers": _fields("status.replicas", status_replicas="0"),
    "replicasets.apps": _fields("status.replicas", status_replicas="0"),
    "jobs.batch": {"status.successful": Field(("status", "succeeded"), "0")},
    "certificatesigningrequests.certificates.k8s.io": _fields("spec.signerName"),
    "resourceslices.resource.k8s.io": _fields("spec.nodeName", "spec.driver"),
    "events": {
        **{f"involvedObject.{name}": Field(("involvedObject", name)) for name in _INVOLVED},
        **_fields("reason", "reportingComponent", "type"),
        "source": Field(("source", "component")),
    },
    "events.events.k8s.io": {
        **{f"regarding.{name}": Field(("involvedObject", name)) for name in _INVOLVED},
        **_fields("reason", "type"),
        "reportingController": Field(("reportingComponent",)),
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Selection:
    """`matches` is None where everything is selected; `name` is the one name asked for, if it is only one.

    Equal texts of one resource select the same objects.
    """

    matches: Matches | None = None
    name: str = ""
    text: tuple[str, str] = ("", "")


_EVERYTHING = Selection()


def selection_of(served: Served, options: ListOptions, *, name: str = "") -> Selection:
    """The selection of a request; `name` is set where the path names an object. Raises `BadRequest`."""
    fields = options.field_selector
    if name:
        fields = f"metadata.name={name},{fields}" if fields else f"metadata.name={name}"
    if not fields and not options.label_selector:
        return _EVERYTHING
    return _selection(served.qualified, options.label_selector, fields)


@lru_cache(maxsize=2048)
def _selection(qualified: str, labels: str, fields: str) -> Selection:
    try:
        selector, terms = parse(labels), parse_fields(fields).terms
    except SelectorError as error:
        raise BadRequest(str(error)) from error
    tests: list[Matches] = [_field_test(qualified, term) for term in terms]
    if not selector.everything:
        tests.append(selector.matches_object)
    name = next((t.value for t in terms if t.field == "metadata.name" and t.equal), "")
    if not tests:
        return _EVERYTHING
    if len(tests) == 1:
        return Selection(tests[0], name, (labels, fields))
    return Selection(lambda obj: all(test(obj) for test in tests), name, (labels, fields))


def _field_test(qualified: str, term: FieldTerm) -> Matches:
    special = _BY_KIND.get(qualified)
    field = _META.get(term.field) or (special or {}).get(term.field)
    if field is None:
        raise BadRequest(_unknown_field(special is not None, term.field))
    path, absent, wanted, equal = field.path, field.absent, term.value, term.equal
    return lambda obj: (_text(obj, path, absent) == wanted) is equal


def _unknown_field(special: bool, name: str) -> str:
    if special:
        return f"field label not supported: {name}"
    return f'"{name}" is not a known field selector: only "metadata.name", "metadata.namespace"'


def _text(obj: Object, path: Path, absent: str) -> str:
    value: Any = obj
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if value is None:
        return absent
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
