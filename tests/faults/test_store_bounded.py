"""Leases that are renewed for ever: file, history and memory stay as large as what is there, not as what was written."""

from __future__ import annotations

import asyncio
import gc
import resource
from pathlib import Path

import pytest

from wherry.store.history import HistoryLimit
from wherry.store.sqlite.store import SqliteStore, open_sqlite

LEASES = 100
LEASE_BYTES = 500


async def renew(store: SqliteStore, number: int) -> None:
    await store.put(
        f"/registry/coordination.k8s.io/leases/kube-node-lease/n{number}",
        lambda revision: b"%0*d" % (LEASE_BYTES, revision),
        expected=None,
    )


def bytes_on_disk(path: Path) -> int:
    return sum(file.stat().st_size for file in path.parent.iterdir())


def resident_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


@pytest.mark.parametrize(
    ("renewals", "limit", "file_limit", "memory_limit"),
    [
        (10_000, HistoryLimit(events=1_000), 40 << 20, 40 << 20),
        pytest.param(220_000, HistoryLimit(), 160 << 20, 200 << 20, marks=pytest.mark.slow),
    ],
    ids=["short", "long"],
)
async def test_leases(tmp_path: Path, renewals: int, limit: HistoryLimit, file_limit: int, memory_limit: int) -> None:
    path = tmp_path / "state.db"
    store = await open_sqlite(path, limit=limit)
    gc.collect()
    before, largest = resident_bytes(), 0
    for _ in range(renewals // LEASES):
        await asyncio.gather(*(renew(store, number) for number in range(LEASES)))
        largest = max(largest, bytes_on_disk(path))
    assert store.revision - store.compacted <= limit.events
    assert resident_bytes() - before < memory_limit
    await store.compact(store.revision)
    print(f"file at most {largest >> 20} MB, memory {(resident_bytes() - before) >> 20} MB more, written {renewals}")
    assert largest < file_limit
    await store.close()
    store = await open_sqlite(path)
    assert (store.count("/"), store.revision) == (LEASES, renewals)
    await store.close()
    assert bytes_on_disk(path) < 8 << 20
