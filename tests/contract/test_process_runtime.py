"""The process runtime keeps the contract of all runtimes, with private mounts and without."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from wherry.base.clock import RealClock
from wherry.node.runtimes.process.runtime import ProcessRuntime
from wherry.testing.runtime_contract import CHECKS, Check, Subject, run_check


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_contract(check: Check, tmp_path: Path) -> None:
    root = tmp_path / "state"
    await run_check(
        Subject(
            make=lambda: ProcessRuntime(root=root, clock=RealClock(), private_mounts=False),
            reference="wherry.local/host",
            logs=tmp_path,
            passes=asyncio.sleep,
        ),
        check,
    )
    assert not list((root / "containers").iterdir())
