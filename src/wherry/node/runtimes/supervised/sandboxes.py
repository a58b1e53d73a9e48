"""The sandboxes of a supervised runtime: made and removed one step after another per pod."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from wherry.node.runtimes.port import CreateFailed, RuntimeFailure, Sandbox
from wherry.node.runtimes.supervised.backend import Backend
from wherry.node.runtimes.supervised.shelf import Shelf
from wherry.node.runtimes.supervised.workshop import Workshop


class Sandboxes:
    """`known` are those that exist, by pod uid."""

    def __init__(self, shelf: Shelf, backend: Backend, workshop: Workshop) -> None:
        self.known: dict[str, Sandbox] = {}
        self._shelf = shelf
        self._backend = backend
        self._workshop = workshop
        self._turns: dict[str, asyncio.Lock] = {}

    async def create(self, sandbox: Sandbox) -> None:
        """Repeatable. Raises `CreateFailed`."""
        async with self._turn(sandbox.pod_uid):
            if sandbox.pod_uid not in self.known:
                await self._workshop.blocking(self._make, sandbox)
                self.known[sandbox.pod_uid] = sandbox

    async def remove(self, pod_uid: str, *, first: Callable[[str], Awaitable[None]]) -> None:
        """Repeatable; `first` removes the pod's containers."""
        async with self._turn(pod_uid):
            await first(pod_uid)
            await self._workshop.blocking(self._unmake, pod_uid)
            self.known.pop(pod_uid, None)
        self._turns.pop(pod_uid, None)

    def _turn(self, pod_uid: str) -> asyncio.Lock:
        return self._turns.setdefault(pod_uid, asyncio.Lock())

    def _make(self, sandbox: Sandbox) -> None:
        directory = self._shelf.sandbox_directory(sandbox.pod_uid)
        try:
            directory.mkdir(mode=0o700, exist_ok=True)
            self._shelf.keep_sandbox(sandbox)
            self._backend.add_sandbox(sandbox, directory)
        except (OSError, RuntimeFailure) as error:
            self._unmake(sandbox.pod_uid)
            raise CreateFailed(f"cannot make the sandbox of pod {sandbox.pod_name}: {error}") from error

    def _unmake(self, pod_uid: str) -> None:
        directory = self._shelf.sandbox_directory(pod_uid)
        self._backend.remove_sandbox(pod_uid, directory)
        self._shelf.remove(directory)
