"""Which labels a node may give itself: none by which it could draw pods to itself that are not meant for it.

Source: k8s.io/kubelet/pkg/apis/well_known_labels.go, plugin/pkg/admission/noderestriction.
"""

from __future__ import annotations

from collections.abc import Mapping

_OWN = frozenset(
    {
        "kubernetes.io/hostname", "kubernetes.io/os", "kubernetes.io/arch", "beta.kubernetes.io/os",
        "beta.kubernetes.io/arch", "node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type",
        "topology.kubernetes.io/zone", "topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region",
    }
)  # fmt: skip
_OWN_DOMAINS = ("kubelet.kubernetes.io", "node.kubernetes.io")
_RESTRICTED = "node-restriction.kubernetes.io"
_KUBERNETES = ("kubernetes.io", "k8s.io")


def forbidden(new: Mapping[str, str], old: Mapping[str, str]) -> list[str]:
    """The labels that differ and that a node must not change, in order."""
    return sorted(key for key in {*new, *old} if new.get(key) != old.get(key) and not _allowed(key))


def _allowed(key: str) -> bool:
    domain, slash, _ = key.partition("/")
    if not slash:
        return True
    if _within(domain, _RESTRICTED):
        return False
    if not any(_within(domain, each) for each in _KUBERNETES):
        return True
    return key in _OWN or any(_within(domain, each) for each in _OWN_DOMAINS)


def _within(domain: str, of: str) -> bool:
    return domain == of or domain.endswith(f".{of}")
