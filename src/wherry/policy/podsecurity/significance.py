"""Which changes of a pod are judged again: those that can make it break a rule that it kept before.

Source: isSignificantPodUpdate in k8s.io/pod-security-admission/admission.
"""

from __future__ import annotations

from wherry.api.types import Object

_POD = "seccomp.security.alpha.kubernetes.io/pod"
_CONTAINER = "container.seccomp.security.alpha.kubernetes.io/"


def is_significant(new: Object, old: Object) -> bool:
    annotations, before = (each["metadata"].get("annotations") or {} for each in (new, old))
    if annotations.get(_POD) != before.get(_POD):
        return True
    for field in ("containers", "initContainers"):
        containers, earlier = (each["spec"].get(field) or () for each in (new, old))
        if len(containers) != len(earlier):
            return True
    known = dict(_images(old))
    for name, image in _images(new):
        key = _CONTAINER + name
        if known.get(name) != image or annotations.get(key) != before.get(key):
            return True
    return False


def _images(pod: Object) -> list[tuple[str, str]]:
    return [
        (each.get("name") or "", each.get("image") or "")
        for field in ("containers", "initContainers", "ephemeralContainers")
        for each in pod["spec"].get(field) or ()
    ]
