"""Defaults of API priority and fairness. Source: pkg/apis/flowcontrol/v1/defaults.go."""

from __future__ import annotations

from wherry.api.defaults.fields import if_absent, if_zero, section
from wherry.api.types import Object


def flow_schema(obj: Object) -> None:
    if_zero(section(obj, "spec"), "matchingPrecedence", 1000)


def priority_level(obj: Object) -> None:
    spec = section(obj, "spec")
    if (exempt := spec.get("exempt")) is not None:
        if_absent(exempt, "nominalConcurrencyShares", 0)
        if_absent(exempt, "lendablePercent", 0)
    elif spec.get("type") == "Exempt":
        spec["exempt"] = {"nominalConcurrencyShares": 0, "lendablePercent": 0}
    if (limited := spec.get("limited")) is not None:
        if_absent(limited, "nominalConcurrencyShares", 30)
        if_absent(limited, "lendablePercent", 0)
        response = section(limited, "limitResponse")
        if (queuing := response.get("queuing")) is not None:
            if_zero(queuing, "handSize", 8)
            if_zero(queuing, "queues", 64)
            if_zero(queuing, "queueLengthLimit", 50)
