"""Names and their records, kept by owner so that one Service changes at a time.

What always holds: a name exists as long as it or a name below it has records; names that exist without records of a type
are told apart from names that do not exist (NODATA and NXDOMAIN), which resolvers and search lists depend on.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

from wherry.network.dns.records import Record


class Records:
    """A set of names. Not a zone by itself: forward and reverse names live in one."""

    def __init__(self) -> None:
        self._by_owner: dict[Hashable, tuple[Record, ...]] = {}
        self._by_name: dict[str, dict[Record, int]] = {}
        self._existing: dict[str, int] = {}
        self.generation = 0
        """Grows with every change."""

    def replace(self, owner: Hashable, records: Iterable[Record]) -> None:
        """Put these in the place of all that the owner had before; none: the owner is gone."""
        wanted = tuple(dict.fromkeys(records))
        before = self._by_owner.get(owner, ())
        if before == wanted:
            return
        self.generation += 1
        for record in wanted:
            self._add(record)
        for record in before:
            self._remove(record)
        if wanted:
            self._by_owner[owner] = wanted
        else:
            self._by_owner.pop(owner, None)

    def at(self, name: str) -> Sequence[Record]:
        """Every record of a name in lower case."""
        return tuple(self._by_name.get(name, ()))

    def exists(self, name: str) -> bool:
        return name in self._existing

    def _add(self, record: Record) -> None:
        owners = self._by_name.setdefault(record.name, {})
        owners[record] = owners.get(record, 0) + 1
        for name in _lineage(record.name):
            self._existing[name] = self._existing.get(name, 0) + 1

    def _remove(self, record: Record) -> None:
        owners = self._by_name[record.name]
        owners[record] -= 1
        if not owners[record]:
            del owners[record]
        if not owners:
            del self._by_name[record.name]
        for name in _lineage(record.name):
            self._existing[name] -= 1
            if not self._existing[name]:
                del self._existing[name]


def _lineage(name: str) -> Iterable[str]:
    """The name and all above it, without the root."""
    while name:
        yield name
        name = name.partition(".")[2]
