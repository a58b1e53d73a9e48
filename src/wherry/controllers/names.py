"""Which controllers run: `--controllers` as kube-controller-manager reads it, with its names and its older aliases.

Source: cmd/kube-controller-manager/names, k8s.io/controller-manager/pkg/leadermigration, genericcontrollermanager
`IsControllerEnabled`: a name switches on, `-name` switches off, `*` switches on all; what is named wins over `*`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from wherry.controllers.manager import CONTROLLERS

UPSTREAM: Mapping[str, str] = {
    "bootstrap-signer-controller": "bootstrap-signer",
    "certificatesigningrequest-approving-controller": "csrapproving",
    "certificatesigningrequest-cleaner-controller": "csrcleaner",
    "certificatesigningrequest-signing-controller": "csrsigning",
    "clusterrole-aggregation-controller": "clusterrole-aggregation",
    "cronjob-controller": "cronjob",
    "daemonset-controller": "daemonset",
    "deployment-controller": "deployment",
    "disruption-controller": "disruption",
    "endpoints-controller": "endpoint",
    "endpointslice-controller": "endpointslice",
    "endpointslice-mirroring-controller": "endpointslicemirroring",
    "ephemeral-volume-controller": "ephemeral-volume",
    "garbage-collector-controller": "garbagecollector",
    "horizontal-pod-autoscaler-controller": "horizontalpodautoscaling",
    "job-controller": "job",
    "namespace-controller": "namespace",
    "node-lifecycle-controller": "nodelifecycle",
    "persistentvolume-attach-detach-controller": "attachdetach",
    "persistentvolume-binder-controller": "persistentvolume-binder",
    "persistentvolume-expander-controller": "persistentvolume-expander",
    "persistentvolume-protection-controller": "pv-protection",
    "persistentvolumeclaim-protection-controller": "pvc-protection",
    "pod-garbage-collector-controller": "podgc",
    "replicaset-controller": "replicaset",
    "replicationcontroller-controller": "replicationcontroller",
    "resourceclaim-controller": "resource-claim-controller",
    "resourcequota-controller": "resourcequota",
    "root-ca-certificate-publisher-controller": "root-ca-cert-publisher",
    "service-lb-controller": "service",
    "service-cidr-controller": "servicecidrs",
    "serviceaccount-controller": "serviceaccount",
    "serviceaccount-token-controller": "serviceaccount-token",
    "statefulset-controller": "statefulset",
    "taint-eviction-controller": "taint-eviction-controller",
    "token-cleaner-controller": "token-cleaner",
    "ttl-after-finished-controller": "ttl-after-finished",
    "ttl-controller": "ttl",
}
"""Upstream's name and its older alias."""

_OURS = {"endpoint": "endpoints", "root-ca-cert-publisher": "root-ca-certificate-publisher"}
"""Where our own name is neither."""


class UnknownController(ValueError):
    """A name that no controller has; the message lists those there are."""


def _aliases() -> dict[str, str]:
    """Every name by which one of ours can be called, to our own name."""
    known = {name: name for name in CONTROLLERS}
    for name, alias in UPSTREAM.items():
        for own in (name, alias, _OURS.get(alias, "")):
            if own in CONTROLLERS:
                known |= {name: own, alias: own}
    return known


def upstream_names() -> dict[str, str]:
    """What to call each of ours: upstream's name where there is one."""
    found = {own: name for name, own in _aliases().items() if name in UPSTREAM}
    return {own: found.get(own, own) for own in CONTROLLERS}


def selected(flag: str) -> Collection[str]:
    """Our names of the controllers that a flag such as `*,-job` leaves on. Raises `UnknownController`."""
    known, everything = _aliases(), False
    on: set[str] = set()
    off: set[str] = set()
    for word in filter(None, (part.strip() for part in flag.split(","))):
        if word == "*":
            everything = True
            continue
        name = word.removeprefix("-")
        if name not in known:
            names = ", ".join(sorted(upstream_names().values()))
            raise UnknownController(f"there is no controller {name!r}; there are: {names}")
        (off if word.startswith("-") else on).add(known[name])
    return [name for name in CONTROLLERS if name in on or (everything and name not in off)]
