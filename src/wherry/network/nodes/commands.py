"""Running `ip` and `nft` with a batch on standard input, few processes for many commands."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from wherry.api.pod_network import NetworkFailure

_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])


async def ip_batch(lines: Sequence[str], *, namespace: str | None = None, force: bool = False) -> None:
    """Run `ip` commands in order, on the host or in a named namespace.

    Raises `NetworkFailure` at the first that fails; with `force` all are tried and failures are ignored.
    """
    arguments = ["ip", *(["-force"] if force else []), *(["-n", namespace] if namespace else []), "-batch", "-"]
    await _run(arguments, "\n".join(lines) + "\n", ignore=force)


async def nft(script: str, *, namespace: str | None = None) -> None:
    """Apply an nftables script as one transaction. Raises `NetworkFailure`."""
    prefix = ["ip", "netns", "exec", namespace] if namespace else []
    await _run([*prefix, "nft", "-f", "-"], script)


def link_exists(name: str) -> bool:
    """Whether the host has a network interface of that name."""
    return Path("/sys/class/net", name).exists()


async def _run(arguments: Sequence[str], script: str, *, ignore: bool = False) -> None:
    command = shutil.which(arguments[0], path=_PATH)
    if command is None:
        raise NetworkFailure(f"{arguments[0]} is not installed (Debian packages: iproute2, nftables)")
    process = await asyncio.create_subprocess_exec(
        command,
        *arguments[1:],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PATH": _PATH, "LC_ALL": "C"},
    )
    _, errors = await process.communicate(script.encode())
    if process.returncode and not ignore:
        text = " ".join(errors.decode(errors="replace").split())
        raise NetworkFailure(f"{' '.join(arguments)}: {text or f'exit status {process.returncode}'}")
