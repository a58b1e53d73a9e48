"""The effective security context of a container: its own over its pod's, over the image's user."""

from __future__ import annotations

from typing import Any

from wherry.api.types import Object
from wherry.node.pod import spec
from wherry.node.runtimes.port import Image, Security


class SecurityProblem(Exception):
    """The container may not run as asked; worded as the kubelet does (`CreateContainerConfigError`)."""


def effective(pod: Object, container: Object, image: Image, *, seccomp_root: str = "") -> Security:
    """Merge both contexts. Raises `SecurityProblem` where runAsNonRoot forbids the user."""
    outer: Object = pod["spec"].get("securityContext") or {}
    inner: Object = container.get("securityContext") or {}

    def merged(name: str) -> Any:
        value = inner.get(name)
        return outer.get(name) if value is None else value

    user, group = merged("runAsUser"), merged("runAsGroup")
    non_root = bool(merged("runAsNonRoot"))
    if non_root:
        _check_non_root(pod, container, image, user)
    privileged = bool(inner.get("privileged"))
    capabilities = inner.get("capabilities") or {}
    return Security(
        user="" if user is None else str(user),
        group=None if group is None else int(group),
        supplemental_groups=_groups(outer),
        privileged=privileged,
        read_only_root=bool(inner.get("readOnlyRootFilesystem")),
        no_new_privileges=inner.get("allowPrivilegeEscalation") is False,
        add_capabilities=tuple(_capability(name) for name in capabilities.get("add") or ()),
        drop_capabilities=tuple(_capability(name) for name in capabilities.get("drop") or ()),
        seccomp="unconfined" if privileged else _seccomp(merged("seccompProfile"), seccomp_root),
        unmasked_proc=inner.get("procMount") == "Unmasked",
        non_root=non_root,
    )


def _groups(outer: Object) -> tuple[int, ...]:
    """Supplemental groups, and the volumes' group."""
    groups = [int(group) for group in outer.get("supplementalGroups") or ()]
    if outer.get("fsGroup") is not None:
        groups.append(int(outer["fsGroup"]))
    return tuple(dict.fromkeys(groups))


def _capability(name: str) -> str:
    """`NET_ADMIN`, whichever way it was written."""
    return name.upper().removeprefix("CAP_")


def _seccomp(profile: Object | None, root: str) -> str:
    kind = (profile or {}).get("type", "Unconfined")
    if kind == "RuntimeDefault":
        return "runtime/default"
    if kind == "Localhost":
        return f"{root}/{(profile or {}).get('localhostProfile', '')}"
    return "unconfined"


def _check_non_root(pod: Object, container: Object, image: Image, user: int | None) -> None:
    where = f'(pod: "{spec.full_name(pod)}", container: {container["name"]})'
    if user is not None:
        if int(user) == 0:
            raise SecurityProblem(f"container's runAsUser breaks non-root policy {where}")
        return
    name = image.user.partition(":")[0]
    if name in ("", "0"):
        raise SecurityProblem(f"container has runAsNonRoot and image will run as root {where}")
    if not name.isdigit():
        raise SecurityProblem(
            f"container has runAsNonRoot and image has non-numeric user ({name}), cannot verify user is non-root {where}"
        )
