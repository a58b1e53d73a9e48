"""What is left on the node of pods that the API no longer has: stop it, then remove it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from wherry.node import removal
from wherry.node.container_builder import GRACE_LABEL, STOP_SIGNAL_LABEL
from wherry.node.layout import PodPaths
from wherry.node.pod.observed import is_running
from wherry.node.pod.spec import DEFAULT_GRACE_SECONDS
from wherry.node.runtimes.port import ContainerMissing, ContainerState
from wherry.node.stopper import Exits
from wherry.node.tools import Tools
from wherry.node.trash import discard


def find(tools: Tools, known: Collection[str]) -> set[str]:
    """Uids of pods that have a sandbox, containers, an address or files here, but are not known."""
    found = {*tools.runtime.sandboxes(), *tools.network.attached(), *removal.uids_on_disk(tools)}
    found.update(state.pod_uid for state in tools.runtime.containers())
    return found - set(known)


async def remove(tools: Tools, uid: str, exits: Exits) -> None:
    """Stop the pod's containers with the grace that they were made with, and remove everything."""
    running = [state for state in tools.runtime.containers() if state.pod_uid == uid and is_running(state)]
    tools.log.info("removing what is left of a pod", uid=uid, running=len(running))
    await asyncio.gather(*(_stop(tools, state, exits) for state in running))
    on_disk = removal.uids_on_disk(tools).get(uid, [])
    paths = PodPaths(logs=tools.config.logs_root / uid, files=tools.config.files_root / uid)
    await removal.remove_pod(tools, paths, uid)
    for path in on_disk:
        discard(path, tools.config.trash_root)


async def _stop(tools: Tools, state: ContainerState, exits: Exits) -> None:
    grace = float(state.labels.get(GRACE_LABEL) or DEFAULT_GRACE_SECONDS)
    try:
        await tools.runtime.kill(state.id, state.labels.get(STOP_SIGNAL_LABEL) or "SIGTERM")
        if not await exits.wait(state.id, grace):
            await tools.runtime.kill(state.id)
    except ContainerMissing:
        return
