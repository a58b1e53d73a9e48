"""Defaults of dynamic resource allocation. Source: pkg/apis/resource/v1/defaults.go."""

from __future__ import annotations

from wherry.api.defaults.fields import if_zero, section
from wherry.api.types import Object


def resource_claim(obj: Object) -> None:
    _claim_spec(section(obj, "spec"))


def resource_claim_template(obj: Object) -> None:
    _claim_spec(section(section(obj, "spec"), "spec"))


def device_class(obj: Object) -> None:
    section(obj, "spec")


def _claim_spec(spec: Object) -> None:
    for request in (spec.get("devices") or {}).get("requests") or ():
        if (exactly := request.get("exactly")) is not None:
            _device_request(exactly)
        for alternative in request.get("firstAvailable") or ():
            _device_request(alternative)


def _device_request(request: Object) -> None:
    if_zero(request, "allocationMode", "ExactCount")
    if request["allocationMode"] == "ExactCount":
        if_zero(request, "count", 1)
    for toleration in request.get("tolerations") or ():
        if_zero(toleration, "operator", "Equal")
