"""Pods run as a service account, which must exist, and get its token mounted unless they do not want it.

Source: plugin/pkg/admission/serviceaccount/admission.go, KEP-2907 and KEP-1205 (projected tokens).
"""

from __future__ import annotations

import random

from wherry.api.types import Object
from wherry.apiserver.admission.attributes import Attributes
from wherry.apiserver.objects import decoded
from wherry.apiserver.registry import storage_prefix

MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
VOLUME_PREFIX = "kube-api-access-"
TOKEN_SECONDS = 3607
_DEFAULT = "default"
_MIRROR = "kubernetes.io/config.mirror"
_ACCOUNTS = storage_prefix("", "serviceaccounts")
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def on_create(attributes: Attributes) -> None:
    pod = attributes.obj
    if pod is None or _MIRROR in (pod["metadata"].get("annotations") or {}):
        return
    spec: Object = pod.setdefault("spec", {})
    name = spec.get("serviceAccountName") or spec.get("serviceAccount") or _DEFAULT
    spec["serviceAccountName"] = spec["serviceAccount"] = name
    account = _account(attributes, name)
    if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
        spec["imagePullSecrets"] = [dict(each) for each in account["imagePullSecrets"]]
    if _wants_token(spec, account):
        _mount_token(spec)


def _account(attributes: Attributes, name: str) -> Object:
    namespace = attributes.namespace
    entry = attributes.parts.store.get(f"{_ACCOUNTS}{namespace}/{name}")
    if entry is None:
        why = f'error looking up service account {namespace}/{name}: serviceaccount "{name}" not found'
        raise attributes.forbid(why)
    return decoded(entry)


def _wants_token(spec: Object, account: Object) -> bool:
    for holder in (spec, account):
        answer = holder.get("automountServiceAccountToken")
        if answer is not None:
            return bool(answer)
    return True


def _mount_token(spec: Object) -> None:
    volumes: list[Object] = spec.get("volumes") or []
    known = next((each["name"] for each in volumes if _is_token_volume(each)), "")
    name = known or VOLUME_PREFIX + "".join(random.choices(_ALPHABET, k=5))
    mounted = False
    for container in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
        mounts: list[Object] = container.get("volumeMounts") or []
        if any(mount.get("mountPath") == MOUNT_PATH for mount in mounts):
            continue
        container["volumeMounts"] = [*mounts, {"name": name, "readOnly": True, "mountPath": MOUNT_PATH}]
        mounted = True
    if mounted and not known:
        spec["volumes"] = [*volumes, {"name": name, "projected": _projection()}]


def _is_token_volume(volume: Object) -> bool:
    return bool(volume.get("projected")) and str(volume.get("name", "")).startswith(VOLUME_PREFIX)


def _projection() -> Object:
    namespace = {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
    return {
        "sources": [
            {"serviceAccountToken": {"expirationSeconds": TOKEN_SECONDS, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [namespace]}},
        ],
        "defaultMode": 420,
    }
