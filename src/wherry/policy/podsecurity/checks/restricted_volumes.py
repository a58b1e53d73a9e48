"""Volumes are what the cluster itself gives, or come by claims."""

from __future__ import annotations

from wherry.policy.podsecurity.subject import Subject, Violation, named, plural, quoted

_ALLOWED = (
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret",
)  # fmt: skip
_RESTRICTED = (
    "hostPath", "gcePersistentDisk", "awsElasticBlockStore", "gitRepo", "nfs", "iscsi", "glusterfs", "rbd", "flexVolume",
    "cinder", "cephfs", "flocker", "fc", "azureFile", "vsphereVolume", "quobyte", "azureDisk", "photonPersistentDisk",
    "portworxVolume", "scaleIO", "storageos",
)  # fmt: skip


def since_0(pod: Subject) -> Violation | None:
    bad: list[str] = []
    types: set[str] = set()
    for volume in pod.spec.get("volumes") or ():
        if all(volume.get(source) is None for source in _ALLOWED):
            bad.append(volume.get("name", ""))
            types.add(next((source for source in _RESTRICTED if volume.get(source) is not None), "unknown"))
    if not bad:
        return None
    verb, what = plural(len(bad), "uses", "use"), plural(len(types), "restricted volume type")
    return Violation("restricted volume types", f"{named('volume', bad)} {verb} {what} {quoted(sorted(types))}")
