"""LimitRanger: pods and claims keep to the limit ranges of their namespace; what pods leave open is filled in.

Source: plugin/pkg/admission/limitranger.
"""

from __future__ import annotations

from wherry.apiserver.admission.attributes import Attributes
from wherry.apiserver.registry import storage_prefix
from wherry.policy.limit_ranges import claim_violations, pod_violations, set_defaults, together

LIMIT_RANGES = storage_prefix("", "limitranges")


def set_pod_defaults(attributes: Attributes) -> None:
    for limits in attributes.parts.limit_ranges.of(attributes.namespace):
        if attributes.obj is not None:
            set_defaults(limits, attributes.obj)


def check_pod(attributes: Attributes) -> None:
    for limits in attributes.parts.limit_ranges.of(attributes.namespace):
        if attributes.obj is not None and (wrong := pod_violations(limits, attributes.obj)):
            raise attributes.forbid(together(wrong))


def check_claim(attributes: Attributes) -> None:
    claim = attributes.obj
    if claim is None or claim["metadata"].get("deletionTimestamp"):
        return
    for limits in attributes.parts.limit_ranges.of(attributes.namespace):
        if wrong := claim_violations(limits, claim):
            raise attributes.forbid(together(wrong))
