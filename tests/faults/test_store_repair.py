"""A damaged store is made good: all that can be read comes back, what is lost is told, the damaged file is kept."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from wherry.store.port import Compacted, FutureRevision, StoreDamaged, StoreError
from wherry.store.sqlite.repair import REVISIONS_SKIPPED, Repaired, repair
from wherry.store.sqlite.store import SqliteStore, open_sqlite

PAGE = 8192
KEYS = 300
State = dict[str, bytes]


def value(number: int, revision: int) -> bytes:
    """Some fit into a page, some do not."""
    return b"%d %d " % (number, revision) + bytes([97 + number % 26]) * (300 if number % 3 else 20_000)


async def fill(path: Path) -> State:
    """Keys written, some again, some removed, some forgotten: so that there are free pages with old rows in them."""
    store = await open_sqlite(path)
    for turn in range(2):
        await asyncio.gather(*(put(store, number) for number in range(turn, KEYS, turn + 1)))
    await asyncio.gather(*(store.delete(f"/k/{number}", expected=None) for number in range(0, KEYS, 5)))
    await store.compact(store.revision)
    await asyncio.gather(*(put(store, number) for number in range(1, KEYS, 7)))
    await store.delete("/k/1", expected=None)
    state = content(store)
    await store.close()
    return state


async def put(store: SqliteStore, number: int) -> None:
    await store.put(f"/k/{number}", lambda revision: value(number, revision), expected=None)


def content(store: SqliteStore) -> State:
    return {entry.key: entry.value for entry in store.range("").entries}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, State]:
    path = tmp_path_factory.mktemp("good") / "state.db"
    return path, asyncio.run(fill(path))


@pytest.fixture
def path(good: tuple[Path, State], tmp_path: Path) -> Path:
    """A copy that may be damaged."""
    copy_files(good[0].parent, tmp_path)
    return tmp_path / "state.db"


def bytes_of(path: Path) -> bytes:
    return path.read_bytes()


def size_of(path: Path) -> int:
    return path.stat().st_size


def replace(path: Path, data: bytes) -> None:
    """Only this file, without what a store has beside it."""
    for leftover in path.parent.iterdir():
        leftover.unlink()
    path.write_bytes(data)


def names(place: Path) -> list[str]:
    return sorted(file.name for file in place.iterdir())


def copy_files(source: Path, place: Path) -> None:
    place.mkdir(exist_ok=True)
    for file in source.iterdir():
        if file.is_file():
            shutil.copy2(file, place)


def overwrite(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


async def repaired(path: Path) -> tuple[Repaired, State, int]:
    """What is done about a store that cannot be opened, and what it holds then."""
    with pytest.raises(StoreDamaged) as damage:
        await open_sqlite(path)
    done = repair(path, damage.value, now=0.0)
    store = await open_sqlite(path)
    state, revision = content(store), store.revision
    await put(store, 1)
    await store.close()
    return done, state, revision


HARMLESS_TO_ROWS: dict[str, Callable[[Path], None]] = {
    "header overwritten": lambda path: overwrite(path, 0, b"\xff" * 100),
    "header zeroed": lambda path: overwrite(path, 0, bytes(100)),
    "first page zeroed": lambda path: overwrite(path, 0, bytes(PAGE)),
    "root of the rows zeroed": lambda path: overwrite(path, 2 * PAGE, bytes(PAGE)),
    "table of the last revision zeroed": lambda path: overwrite(path, 3 * PAGE, bytes(PAGE)),
    "some bytes behind the end": lambda path: overwrite(path, size_of(path), b"x" * 5000),
}


@pytest.mark.parametrize("damage", HARMLESS_TO_ROWS)
async def test_all_comes_back_where_no_row_is_hit(path: Path, good: tuple[Path, State], damage: str) -> None:
    HARMLESS_TO_ROWS[damage](path)
    try:
        store = await open_sqlite(path)
    except StoreDamaged:
        _, state, _ = await repaired(path)
    else:
        state = content(store)
        await store.close()
    assert state == good[1]


async def test_one_row_is_hit(path: Path, good: tuple[Path, State]) -> None:
    whole = bytes_of(path)
    key = next(key for key, there in good[1].items() if len(there) > 10_000)
    overwrite(path, whole.index(good[1][key][:30]) + 100, b"?")
    bytes_of_damaged = bytes_of(path)
    done, state, revision = await repaired(path)
    assert state == {other: there for other, there in good[1].items() if other != key}
    assert f"lost: the newest state of {key};" in str(done)
    assert f"{len(state)} objects recovered" in str(done)
    assert revision > REVISIONS_SKIPPED
    assert bytes_of(done.kept) == bytes_of_damaged


async def test_what_was_cut_off_is_lost_and_told(path: Path, good: tuple[Path, State]) -> None:
    os.truncate(path, size_of(path) // 2)
    done, state, _ = await repaired(path)
    assert 0 < len(state) < len(good[1])
    assert was_acknowledged(state)
    assert "lost: " in str(done)


def was_acknowledged(state: State) -> bool:
    """Nothing stands there that nobody wrote at that place."""
    return all(there == value(int(key[3:]), int(there.split(b" ")[1])) for key, there in state.items())


@pytest.mark.parametrize("share", [8, pytest.param(1, marks=pytest.mark.slow)])
async def test_no_byte_of_the_file_changes_unnoticed(path: Path, good: tuple[Path, State], share: int) -> None:
    """Either the file is refused, or it holds what it held and takes writes; and when refused, it is repaired."""
    whole = bytes_of(path)
    rng = random.Random(4)
    places = [*range(100), *(rng.randrange(len(whole)) for _ in range(60))]
    places += [page * PAGE + rng.randrange(60) for page in range(1, len(whole) // PAGE)]
    places = places[::share]
    refused = 0
    for place in places:
        replace(path, whole)
        overwrite(path, place, bytes([whole[place] ^ 1 << rng.randrange(8)]))
        try:
            store = await open_sqlite(path)
        except StoreError as error:
            refused += 1
            if isinstance(error, StoreDamaged):
                _, state, _ = await repaired(path)
                assert len(state) >= len(good[1]) - 40, place
                assert was_acknowledged(state), place
        else:
            assert content(store) == good[1], place
            await put(store, 1)
            await store.close()
    assert refused > len(places) // 5


async def test_a_client_from_before_is_told_to_list_again(path: Path, good: tuple[Path, State]) -> None:
    overwrite(path, 0, bytes(100))
    await repaired(path)
    store = await open_sqlite(path)
    with pytest.raises(Compacted):
        store.watch("/", after=400, deliver=lambda events: None)
    with pytest.raises(FutureRevision):
        store.watch("/", after=store.revision + 1, deliver=lambda events: None)
    await store.close()


async def test_nothing_to_recover_is_left_to_people(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    for nonsense in (b"", b"hello" * 9000, bytes(5 * PAGE), random.Random(1).randbytes(20 * PAGE)):
        replace(path, nonsense)
        with pytest.raises(StoreDamaged) as damage:
            await open_sqlite(path)
        with pytest.raises(StoreDamaged, match="restore a copy"):
            repair(path, damage.value, now=0.0)
        assert bytes_of(path) == nonsense
        assert names(tmp_path) == ["state.db", "state.db.lock"]


# -- the log of a process that was killed


async def killed(path: Path, place: Path) -> tuple[Path, State]:
    """A store as kill -9 leaves it: copied while it is open."""
    store = await open_sqlite(path)
    for number in range(1, 60):
        await put(store, number)
    await store.delete("/k/7", expected=None)
    copy_files(path.parent, place)
    state = content(store)
    await store.close()
    return place / path.name, state


def log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


async def test_a_log_that_was_cut_is_noticed(path: Path, tmp_path: Path) -> None:
    """SQLite takes the cut for the end; that more was acknowledged is known all the same."""
    copy, state = await killed(path, tmp_path / "copy")
    os.truncate(log_of(copy), size_of(log_of(copy)) - 100)
    done, found, _ = await repaired(copy)
    assert "and " in done.found and "was acknowledged" in done.found
    assert "lost: what was written after revision" in str(done)
    assert found == {**state, "/k/7": found["/k/7"]}


async def test_a_log_that_is_gone_is_noticed(path: Path, good: tuple[Path, State], tmp_path: Path) -> None:
    copy, _ = await killed(path, tmp_path / "copy")
    log_of(copy).unlink()
    done, found, _ = await repaired(copy)
    assert found == good[1]
    assert "lost: what was written after revision" in str(done)


async def test_what_is_behind_a_damaged_place_in_the_log_comes_back(path: Path, tmp_path: Path) -> None:
    copy, state = await killed(path, tmp_path / "copy")
    overwrite(log_of(copy), 32 + 24 + 500, b"????")
    done, found, _ = await repaired(copy)
    missing = state.keys() - found.keys()
    assert len(missing) <= 2
    changed = {key for key in found.keys() & state.keys() if found[key] != state[key]}
    assert len(changed) <= 3 and "/k/7" not in found
    assert f"{done.kept.name}-wal" in names(copy.parent)


async def test_a_log_without_a_header_is_read_all_the_same(path: Path, tmp_path: Path) -> None:
    copy, state = await killed(path, tmp_path / "copy")
    overwrite(log_of(copy), 0, bytes(12))
    _, found, _ = await repaired(copy)
    assert found == state
