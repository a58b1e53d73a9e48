"""Defaults of deployments, replica sets, stateful sets, daemon sets, replication controllers and pod templates.

Source: pkg/apis/apps/v1/defaults.go; `SetDefaults_ReplicationController` in pkg/apis/core/v1/defaults.go.
"""

from __future__ import annotations

from wherry.api.defaults.fields import if_absent, if_zero, section
from wherry.api.defaults.pods import template
from wherry.api.defaults.volumes import claim_spec
from wherry.api.types import Object


def deployment(obj: Object) -> None:
    spec = section(obj, "spec")
    if_absent(spec, "replicas", 1)
    strategy = section(spec, "strategy")
    if_zero(strategy, "type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = section(strategy, "rollingUpdate")
        if_absent(rolling, "maxUnavailable", "25%")
        if_absent(rolling, "maxSurge", "25%")
    if_absent(spec, "revisionHistoryLimit", 10)
    if_absent(spec, "progressDeadlineSeconds", 600)
    template(section(spec, "template"))


def replica_set(obj: Object) -> None:
    spec = section(obj, "spec")
    if_absent(spec, "replicas", 1)
    template(section(spec, "template"))


def replication_controller(obj: Object) -> None:
    spec = section(obj, "spec")
    if_absent(spec, "replicas", 1)
    found = spec.get("template")
    if found is None:
        return
    template(found)
    labels = found["metadata"].get("labels")
    if labels is not None:
        if not spec.get("selector"):
            spec["selector"] = dict(labels)
        metadata = section(obj, "metadata")
        if not metadata.get("labels"):
            metadata["labels"] = dict(labels)


def daemon_set(obj: Object) -> None:
    spec = section(obj, "spec")
    strategy = section(spec, "updateStrategy")
    if_zero(strategy, "type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = section(strategy, "rollingUpdate")
        if_absent(rolling, "maxUnavailable", 1)
        if_absent(rolling, "maxSurge", 0)
    if_absent(spec, "revisionHistoryLimit", 10)
    template(section(spec, "template"))


def stateful_set(obj: Object) -> None:
    spec = section(obj, "spec")
    if_zero(spec, "podManagementPolicy", "OrderedReady")
    strategy = section(spec, "updateStrategy")
    if_zero(strategy, "type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = section(strategy, "rollingUpdate")
        if_absent(rolling, "partition", 0)
        if_absent(rolling, "maxUnavailable", 1)
    retention = section(spec, "persistentVolumeClaimRetentionPolicy")
    if_zero(retention, "whenDeleted", "Retain")
    if_zero(retention, "whenScaled", "Retain")
    if_absent(spec, "replicas", 1)
    if_absent(spec, "revisionHistoryLimit", 10)
    template(section(spec, "template"))
    for claim in spec.get("volumeClaimTemplates") or ():
        _claim_template(claim)


def _claim_template(claim: Object) -> None:
    if_zero(claim, "apiVersion", "v1")
    if_zero(claim, "kind", "PersistentVolumeClaim")
    section(claim, "metadata")
    claim_spec(section(claim, "spec"))
    if_zero(section(claim, "status"), "phase", "Pending")


def pod_template(obj: Object) -> None:
    template(section(obj, "template"))
