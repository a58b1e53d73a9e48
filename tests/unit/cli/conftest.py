"""An API server over TLS, and the command line against it, in the test's own process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from wherry.apiserver.admission.builtin import RULES, SERVICE_ACCOUNT
from wherry.base.clock import RealClock
from wherry.cli import main
from wherry.testing.apiserver import client_of
from wherry.testing.served import Served, served


@dataclass(frozen=True, slots=True)
class Result:
    code: int
    out: str
    err: str


class Wherry:
    """`await wherry("get", "pods")` gives what it prints; a failure fails the test unless it is expected."""

    def __init__(self, at: Served) -> None:
        self.at = at
        self.client = client_of(at.server, clock=RealClock())

    async def __call__(self, *arguments: str, stdin: str = "") -> str:
        result = await self.result(*arguments, stdin=stdin)
        assert result.code == 0, result
        return result.out

    async def fails(self, *arguments: str, stdin: str = "") -> str:
        result = await self.result(*arguments, stdin=stdin)
        assert result.code == 1, result
        return result.err

    async def result(self, *arguments: str, stdin: str = "") -> Result:
        # In a thread: the command has an event loop of its own.
        return await asyncio.to_thread(self._run, arguments, stdin)

    def _run(self, arguments: tuple[str, ...], stdin: str) -> Result:
        at = arguments.index("--") if "--" in arguments else len(arguments)
        full = (*arguments[:at], "--kubeconfig", str(self.at.kubeconfig), *arguments[at:])
        with CliRunner().isolation(stdin) as (out, err, _):
            code = main.run(full)
            return Result(code, out.getvalue().decode(), err.getvalue().decode())


@pytest.fixture
async def wherry(tmp_path: Path) -> AsyncIterator[Wherry]:
    rules = [rule for rule in RULES if rule is not SERVICE_ACCOUNT]
    async with served(tmp_path, clock=RealClock(), admission=rules) as at:
        yield Wherry(at)
