"""Removing directories of any size without holding anybody up.

What is thrown away is unmounted and renamed at once, so its name is free when `discard` is called and whatever happens
next; the content is deleted by a thread. What an agent that died left there, `empty` deletes.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
from pathlib import Path

from wherry.node.volumes import mount_calls


def discard(path: Path, trash: Path) -> None:
    """Nothing happens where the path does not exist. Both are on one file system."""
    doomed = _set_aside(path, trash)
    if doomed is not None:
        asyncio.get_running_loop().run_in_executor(None, shutil.rmtree, doomed, True)


def _set_aside(path: Path, trash: Path) -> Path | None:
    if not path.exists():
        return None
    mount_calls.unmount_all_below(path)
    trash.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path.rename(trash / f"{path.name}.{secrets.token_hex(4)}")


async def empty(trash: Path) -> None:
    """Delete everything that was thrown away before this call."""
    for doomed in _earlier(trash):
        await asyncio.to_thread(shutil.rmtree, doomed, True)


def _earlier(trash: Path) -> list[Path]:
    """The trash renamed, so that nothing is thrown into what is being deleted, and what was renamed before."""
    if trash.exists():
        trash.rename(trash.with_name(f"{trash.name}.{secrets.token_hex(4)}"))
    return list(trash.parent.glob(f"{trash.name}.*"))


def remove_everything(root: Path) -> None:
    """Take an agent's whole directory away, with every mount below it; for when the node itself is removed."""
    mount_calls.unmount_all_below(root)
    shutil.rmtree(root, ignore_errors=True)
