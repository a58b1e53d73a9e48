"""Running `ip` and `nft` with a batch on standard input, few processes for many commands."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from wherry.api.pod_network import NetworkFailure
from wherry.base import netns

_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])
_LONGEST_ERROR = 400
"""nft repeats every line it does not like, twice."""


async def ip_batch(lines: Sequence[str], *, namespace: str | None = None, force: bool = False) -> None:
    """Run `ip` commands in order, on the host or in a named namespace.

    Raises `NetworkFailure` at the first that fails; with `force` all are tried and failures are ignored.
    """
    arguments = ["ip", *(["-force"] if force else []), *(["-n", namespace] if namespace else []), "-batch", "-"]
    await _run(arguments, "\n".join(lines) + "\n", ignore=force)


async def nft(script: str, *, namespace: Path | None = None) -> None:
    """Apply an nftables script as one transaction, on the host or in a namespace. Raises `NetworkFailure`.

    In a namespace it runs from a thread that has entered it, not by `ip netns exec`, which also makes mounts.
    """
    if namespace is None:
        await _run(["nft", "-f", "-"], script)
        return
    command = [_find("nft"), "-f", "-"]

    def run() -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            command, input=script.encode(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, env=_env()
        )

    try:
        done = await asyncio.to_thread(netns.run_in, namespace, run)
    except OSError as error:
        raise NetworkFailure(f"nft in {namespace.name}: {error}") from error
    _check(["nft"], done.returncode, done.stderr)


def link_exists(name: str) -> bool:
    """Whether the host has a network interface of that name."""
    return Path("/sys/class/net", name).exists()


def link_alias(name: str) -> str:
    """The note that somebody left at an interface of the host; empty where there is none."""
    try:
        return Path("/sys/class/net", name, "ifalias").read_text().strip()
    except OSError:
        return ""


async def _run(arguments: Sequence[str], script: str, *, ignore: bool = False) -> None:
    process = await asyncio.create_subprocess_exec(
        _find(arguments[0]),
        *arguments[1:],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=_env(),
    )
    _, errors = await process.communicate(script.encode())
    if not ignore:
        _check(arguments, process.returncode, errors)


def _check(arguments: Sequence[str], status: int | None, errors: bytes) -> None:
    if status:
        text = " ".join(errors.decode(errors="replace").split())
        if len(text) > _LONGEST_ERROR:
            text = f"{text[:_LONGEST_ERROR]}…"
        raise NetworkFailure(f"{' '.join(arguments)}: {text or f'exit status {status}'}")


def _find(command: str) -> str:
    found = shutil.which(command, path=_PATH)
    if found is None:
        raise NetworkFailure(f"{command} is not installed (Debian packages: iproute2, nftables)")
    return found


def _env() -> dict[str, str]:
    return {**os.environ, "PATH": _PATH, "LC_ALL": "C"}
