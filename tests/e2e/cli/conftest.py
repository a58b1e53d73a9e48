"""An API server over TLS, with the command line and the real kubectl side by side."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from wherry.apiserver.admission.builtin import RULES, SERVICE_ACCOUNT
from wherry.base.clock import RealClock
from wherry.testing.served import Served, served

_AGE = re.compile(r"\b[0-9]+s\b *")


@dataclass(frozen=True, slots=True)
class Result:
    code: int
    out: str
    err: str


class Both:
    """Runs the same command line with both programs."""

    def __init__(self, at: Served, directory: Path) -> None:
        source = Path(__file__).parents[3] / "src"
        self.at = at
        self._environment = {
            **os.environ,
            "KUBECONFIG": str(at.kubeconfig),
            "KUBECACHEDIR": str(directory / "cache"),
            "PYTHONPATH": str(source),
        }

    async def kubectl(self, *arguments: str, stdin: str = "") -> Result:
        return await self._run("kubectl", *arguments, stdin=stdin)

    async def wherry(self, *arguments: str, stdin: str = "") -> Result:
        return await self._run(sys.executable, "-m", "wherry", *arguments, stdin=stdin)

    async def same(self, *arguments: str) -> str:
        """Both print the same, byte for byte, up to ages; gives it."""
        theirs, ours = await asyncio.gather(self.kubectl(*arguments), self.wherry(*arguments))
        assert ageless(ours.out) == ageless(theirs.out), arguments
        assert ours.err == theirs.err, arguments
        assert ours.code == theirs.code, arguments
        return ours.out

    async def _run(self, *command: str, stdin: str) -> Result:
        process = await asyncio.create_subprocess_exec(
            *command,
            env=self._environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(30):
            out, err = await process.communicate(stdin.encode())
        return Result(process.returncode or 0, out.decode(), err.decode())


def ageless(text: str) -> str:
    """Without ages, which differ by a second between two commands."""
    return _AGE.sub("<age>", text)


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[Both]:
    rules = [rule for rule in RULES if rule is not SERVICE_ACCOUNT]
    async with served(tmp_path, clock=RealClock(), admission=rules) as at:
        yield Both(at, tmp_path)
