"""ClusterRoles that are made of others: `aggregationRule`.

Source: "Aggregated ClusterRoles" in the Kubernetes documentation.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wherry.api.types import Object
from wherry.machinery import selectors


def aggregated_rules(role: Object, cluster_roles: Iterable[Object]) -> list[Any]:
    """The rules that an aggregated ClusterRole should have: those of the selected roles, by name, each once."""
    wanted = [selectors.from_object(selector) for selector in role["aggregationRule"].get("clusterRoleSelectors") or ()]
    rules: list[Any] = []
    for other in sorted(cluster_roles, key=lambda found: found["metadata"]["name"]):
        itself = other["metadata"]["name"] == role["metadata"]["name"]
        if not itself and any(selector.matches_object(other) for selector in wanted):
            rules += [rule for rule in other.get("rules") or () if rule not in rules]
    return rules
