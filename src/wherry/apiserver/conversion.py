"""Kinds that are served in more than one form, and how one form becomes the other.

Only two of the built-in kinds need it: events of `events.k8s.io/v1`, which are kept as core `v1` events with other field
names, and horizontal pod autoscalers of `autoscaling/v1`, which are kept at `v2`.
Source: pkg/apis/core/v1/conversion.go, pkg/apis/events/v1/conversion.go; for autoscalers `autoscaling_versions`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wherry.api.resources import Resource, for_kind
from wherry.api.types import Object
from wherry.apiserver.autoscaling_versions import from_v2, to_v2

if TYPE_CHECKING:
    from wherry.apiserver.customresources.webhook_conversion import WebhookConversion

Convert = Callable[[Object], Object]


@dataclass(frozen=True, slots=True)
class Conversion:
    """`to_stored` and `from_stored` give a new object of the other form; they share what they do not change."""

    stored: Resource
    to_stored: Convert
    from_stored: Convert
    later: WebhookConversion | None = None
    """Where somebody outside has to be asked: then objects are in the served version all the way, and the two functions
    above change no version."""


_EVENT_FIELDS = {
    "note": "message",
    "regarding": "involvedObject",
    "reportingController": "reportingComponent",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
}
_EVENT_FIELDS_BACK = {core: new for new, core in _EVENT_FIELDS.items()}


def _renamed(obj: Object, names: Mapping[str, str], api_version: str) -> Object:
    result = {names.get(field, field): value for field, value in obj.items()}
    result["apiVersion"] = api_version
    return result


def _event_to_core(obj: Object) -> Object:
    return _renamed(obj, _EVENT_FIELDS, "v1")


def _event_from_core(obj: Object) -> Object:
    return _renamed(obj, _EVENT_FIELDS_BACK, "events.k8s.io/v1")


CONVERSIONS: Mapping[tuple[str, str], Conversion] = {
    ("events.k8s.io/v1", "Event"): Conversion(for_kind("v1", "Event"), _event_to_core, _event_from_core),
    ("autoscaling/v1", "HorizontalPodAutoscaler"): Conversion(
        for_kind("autoscaling/v2", "HorizontalPodAutoscaler"), to_v2, from_v2
    ),
}
