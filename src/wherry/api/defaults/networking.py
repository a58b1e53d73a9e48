"""Defaults of network policies and ingress classes. Source: pkg/apis/networking/v1/defaults.go."""

from __future__ import annotations

from wherry.api.defaults.fields import if_absent, if_zero, section
from wherry.api.types import Object


def network_policy(obj: Object) -> None:
    spec = section(obj, "spec")
    if_absent(spec, "podSelector", {})
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
    for rules in ("ingress", "egress"):
        for rule in spec.get(rules) or ():
            for port in rule.get("ports") or ():
                if_absent(port, "protocol", "TCP")


def ingress_class(obj: Object) -> None:
    if parameters := section(obj, "spec").get("parameters"):
        if_zero(parameters, "scope", "Cluster")
