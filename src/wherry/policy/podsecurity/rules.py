"""What a server's administrator says of pod security: what holds where a namespace says nothing, and who is exempt.

Source: k8s.io/pod-security-admission/admission/api (PodSecurityConfiguration).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from wherry.policy.podsecurity.levels import PREFIX, Policy, policy_of

MODES: Final = ("enforce", "audit", "warn")


@dataclass(frozen=True, slots=True, kw_only=True)
class PodSecurityRules:
    """Without any, namespaces decide alone. The sets are names that are let through."""

    defaults: Policy = field(default_factory=Policy)
    users: frozenset[str] = frozenset()
    namespaces: frozenset[str] = frozenset()
    runtime_classes: frozenset[str] = frozenset()

    def exemption(self, user: str, namespace: str, runtime_class: str) -> str:
        """Why a pod is let through, in upstream's word; empty if it is not."""
        if namespace in self.namespaces:
            return "namespace"
        if user in self.users:
            return "user"
        return "runtimeClass" if runtime_class in self.runtime_classes else ""

    def policy_of(self, labels: Mapping[str, str]) -> Policy:
        return policy_of(labels, self.defaults)

    def ignored(self, namespace: str, labels: Mapping[str, str]) -> str:
        """What to say of labels that mean nothing, because the namespace is exempt; empty where there is nothing to say."""
        policy = self.policy_of(labels)
        if namespace not in self.namespaces or policy.open or policy == self.defaults:
            return ""
        shown = [
            f"{mode}={wanted}"
            for mode, wanted in zip(MODES, (policy.enforce, policy.audit, policy.warn), strict=True)
            if wanted.level != "privileged" and {PREFIX + mode, f"{PREFIX}{mode}-version"} & set(labels)
        ]
        return (
            f'namespace "{namespace}" is exempt from Pod Security, and the policy ({", ".join(shown)}) will be ignored'
        )
