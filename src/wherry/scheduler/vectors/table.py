"""The nodes as columns: row i of every column is the same node. Follows the cache.

Rows of nodes that have gone are used again. Columns are made when first asked for, and `sync` writes only rows that have
changed since (numbers, which every pod changes, apart from values). Two logs tell readers what happened after the point up to which they know: rows that changed in any way,
and pods that came to a node or went.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.pod_info import PodInfo

Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]

LOG_ENTRIES = 20_000
FIRST_ROWS = 256

T = TypeVar("T")


class Log(Generic[T]):
    """What happened, for readers that remember a position. The oldest half is forgotten when it is full."""

    def __init__(self) -> None:
        self._entries: list[T] = []
        self._start = 0

    @property
    def end(self) -> int:
        return self._start + len(self._entries)

    def append(self, entry: T) -> None:
        self._entries.append(entry)
        if len(self._entries) > LOG_ENTRIES:
            forgotten = LOG_ENTRIES // 2
            del self._entries[:forgotten]
            self._start += forgotten

    def since(self, position: int) -> list[T] | None:
        """The entries after a position; None where some of them are forgotten."""
        if position < self._start:
            return None
        return self._entries[position - self._start :]


class NumberColumn:
    """One whole number per node."""

    def __init__(self, read: Callable[[NodeInfo], int], size: int) -> None:
        self._read = read
        self.array: Numbers = np.zeros(size, np.int64)

    def write(self, row: int, info: NodeInfo) -> None:
        self.array[row] = self._read(info)

    def clear(self, row: int) -> None:
        self.array[row] = 0

    def grow(self, size: int) -> None:
        self.array = np.concatenate((self.array, np.zeros(size - len(self.array), np.int64)))


class ValueColumn:
    """One value of any kind per node, by its number in `values`; -1 where the node has none."""

    def __init__(self, read: Callable[[NodeInfo], Hashable | None], size: int) -> None:
        self._read = read
        self._numbers: dict[Hashable, int] = {}
        self.values: list[Hashable] = []
        self.array: Codes = np.full(size, -1, np.int32)

    def write(self, row: int, info: NodeInfo) -> None:
        value = self._read(info)
        if value is None:
            self.array[row] = -1
            return
        number = self._numbers.get(value)
        if number is None:
            number = self._numbers[value] = len(self.values)
            self.values.append(value)
        self.array[row] = number

    def clear(self, row: int) -> None:
        self.array[row] = -1

    def grow(self, size: int) -> None:
        self.array = np.concatenate((self.array, np.full(size - len(self.array), -1, np.int32)))

    def test(self, test: Callable[[Hashable | None], bool], size: int) -> Mask:
        """Per row, what `test` says of the value (None: the node has none); it is asked once per distinct value."""
        answers = np.array([*map(test, self.values), test(None)], np.bool_)
        return answers[self.array[:size]]


class NodeTable:
    """Told by the cache of every change. Readers call `sync` before they look at columns."""

    def __init__(self) -> None:
        self.infos: list[NodeInfo | None] = []
        self.count = 0
        """Nodes that are there; rows may be more."""
        self.nodes_version = 0
        """Counts changes of nodes themselves: come, gone, labels, taints, cordons."""
        self.domains_version = 0
        """Counts changes that move pods between topology domains."""
        self.taints_version = 0
        self.changed: Log[int] = Log()
        self.moves: Log[tuple[int, PodInfo, int]] = Log()
        """Row, pod, and 1 or -1."""
        self._rows: dict[str, int] = {}
        self._free: list[int] = []
        self._capacity = FIRST_ROWS
        self._numbers: dict[Hashable, NumberColumn] = {}
        self._values: dict[Hashable, ValueColumn] = {}
        self._stale_numbers: set[int] = set()
        self._stale_values: set[int] = set()
        self._kept: dict[int, tuple[object, object, object]] = {}
        """Labels, taints and cordon of each row, as they were last seen."""

    @property
    def size(self) -> int:
        return len(self.infos)

    def row(self, name: str) -> int | None:
        return self._rows.get(name)

    def present(self) -> Iterator[tuple[int, NodeInfo]]:
        return ((row, info) for row, info in enumerate(self.infos) if info is not None)

    # What the cache tells.

    def node_set(self, info: NodeInfo) -> None:
        """A node has come, or its object has changed."""
        row = self._rows.get(info.name)
        if row is None:
            row = self._take_row(info)
            self.nodes_version += 1
            self.domains_version += bool(info.pods)
            self._kept[row] = _seen(info)
        else:
            old, new = self._kept[row], _seen(info)
            if old != new:
                self.nodes_version += 1
                self.domains_version += bool(info.pods) and old[0] != new[0]
                self.taints_version += old[1:] != new[1:]
                self._kept[row] = new
        self._stale_values.add(row)
        self._touch(row)

    def node_gone(self, info: NodeInfo) -> None:
        row = self._rows.pop(info.name, None)
        if row is None:
            return
        self.infos[row] = None
        self.count -= 1
        self.nodes_version += 1
        self.domains_version += bool(info.pods)
        self._free.append(row)
        self._kept.pop(row)
        self._stale_values.add(row)
        self._touch(row)

    def pod_put(self, info: NodeInfo, pod: PodInfo) -> None:
        self._moved(info, pod, 1)

    def pod_taken(self, info: NodeInfo, pod: PodInfo) -> None:
        self._moved(info, pod, -1)

    def _moved(self, info: NodeInfo, pod: PodInfo, by: int) -> None:
        row = self._rows.get(info.name)
        if row is not None:
            self.moves.append((row, pod, by))
            self._touch(row)

    def _touch(self, row: int) -> None:
        self._stale_numbers.add(row)
        self.changed.append(row)

    def _take_row(self, info: NodeInfo) -> int:
        if self._free:
            row = self._free.pop()
            self.infos[row] = info
        else:
            row = len(self.infos)
            self.infos.append(info)
            if len(self.infos) > self._capacity:
                self._grow()
        self._rows[info.name] = row
        self.count += 1
        return row

    def _grow(self) -> None:
        self._capacity *= 2
        for numbers in self._numbers.values():
            numbers.grow(self._capacity)
        for values in self._values.values():
            values.grow(self._capacity)

    # Columns.

    def sync(self) -> None:
        """Write what has changed of nodes themselves into the columns of values."""
        if self._stale_values:
            self._write(self._values.values(), self._stale_values)

    def sync_numbers(self) -> None:
        """Write what has changed, also by pods, into the columns of numbers: for those who look at all rows."""
        if self._stale_numbers:
            self._write(self._numbers.values(), self._stale_numbers)

    def _write(self, columns: object, rows: set[int]) -> None:
        for column in columns:  # type: ignore[attr-defined]
            for row in rows:
                info = self.infos[row]
                if info is None:
                    column.clear(row)
                else:
                    column.write(row, info)
        rows.clear()

    def number(self, key: Hashable, read: Callable[[NodeInfo], int]) -> Numbers:
        """A number of every row. Call `sync_numbers` before."""
        column = self._numbers.get(key)
        if column is None:
            column = self._numbers[key] = NumberColumn(read, self._capacity)
            for row, info in self.present():
                column.write(row, info)
        return column.array[: self.size]

    def value(self, key: Hashable, read: Callable[[NodeInfo], Hashable | None]) -> ValueColumn:
        """A value of every row. Call `sync` before."""
        column = self._values.get(key)
        if column is None:
            column = self._values[key] = ValueColumn(read, self._capacity)
            for row, info in self.present():
                column.write(row, info)
        return column

    def label(self, key: str) -> ValueColumn:
        return self.value(("label", key), lambda info: info.labels.get(key))

    def there(self) -> Mask:
        """Rows that are nodes."""
        return self.value("name", _name).array[: self.size] >= 0


def _name(info: NodeInfo) -> Hashable:
    return info.name


def _seen(info: NodeInfo) -> tuple[object, object, object]:
    return info.labels, (info.hard_taints, info.soft_taints), info.unschedulable
