"""The end of a pod: confirming its deletion to the API, and removing what is left of it on the node."""

from __future__ import annotations

from pathlib import Path

from wherry.api.errors import Conflict, NotFound, StatusError
from wherry.api.types import Object
from wherry.base.failpoints import reach
from wherry.node.layout import PodPaths, uid_of_log_directory
from wherry.node.pod import spec
from wherry.node.tools import Tools
from wherry.node.trash import discard


async def confirm(tools: Tools, pod: Object) -> None:
    """Delete the pod from the API with grace 0, after its last status is there."""
    await tools.statuses.flush(spec.uid(pod))
    try:
        await tools.client.delete(
            "pods", spec.name(pod), namespace=spec.namespace(pod), grace_period_seconds=0, uid=spec.uid(pod)
        )
        reach("node.remove.confirmed")
    except (NotFound, Conflict):
        return
    except (StatusError, ConnectionError, OSError) as error:
        tools.log.warning("could not confirm a pod's deletion", pod=spec.full_name(pod), error=str(error))


async def remove_pod(tools: Tools, paths: PodPaths, uid: str) -> None:
    """Containers, sandbox, address, files and logs."""
    await tools.runtime.remove_sandbox(uid)
    reach("node.remove.sandbox")
    await tools.network.detach(uid)
    tools.images.forget(uid)
    tools.statuses.forget(uid)
    tools.objects.forget(uid)
    discard(paths.files, tools.config.trash_root)
    discard(paths.logs, tools.config.trash_root)


def uids_on_disk(tools: Tools) -> dict[str, list[Path]]:
    """The pods of which something is left in the agent's directory."""
    found: dict[str, list[Path]] = {}
    for directory in _children(tools.config.files_root):
        found.setdefault(directory.name, []).append(directory)
    for directory in _children(tools.config.logs_root):
        found.setdefault(uid_of_log_directory(directory.name), []).append(directory)
    return found


def _children(path: Path) -> list[Path]:
    try:
        return list(path.iterdir())
    except OSError:
        return []
