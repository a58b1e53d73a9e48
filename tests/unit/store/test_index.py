"""Order, bounds and old states of the index."""

from __future__ import annotations

import pytest

from wherry.store.index import Index, prefix_end
from wherry.store.port import Entry, Event


@pytest.mark.parametrize(
    ("prefix", "end"),
    [("", None), ("/a/", "/a0"), ("a", "b"), ("a\U0010ffff", "b"), ("\U0010ffff", None)],
)
def test_prefix_end(prefix: str, end: str | None) -> None:
    assert prefix_end(prefix) == end


def fill(index: Index, *keys: str) -> None:
    for key in keys:
        previous = index.entries.get(key)
        revision = index.revision + 1
        index.apply([Event("put", Entry(key, b"%d" % revision, revision, revision), previous)])


def test_pages_of_an_old_state_while_it_changes() -> None:
    index = Index()
    fill(index, *(f"/k/{number:02}" for number in range(0, 40, 2)))
    at = index.revision
    found: list[str] = []
    after = ""
    while True:
        page = index.page("/k/", after=after, limit=3, revision=at)
        found += [entry.value.decode() for entry in page.entries]
        assert page.remaining == 20 - len(found)
        if not page.more:
            break
        after = page.entries[-1].key
        fill(index, "/k/01", f"/k/{len(found):02}", "/k/39", "/k/38")
        gone = index.entries["/k/39"]
        index.apply([Event("delete", Entry("/k/39", b"", 1, index.revision + 1), gone)])
    assert found == [str(revision) for revision in range(1, 21)]


def test_a_fork_of_1000_objects_copies_containers_only() -> None:
    index = Index()
    fill(index, *(f"/k/{number}" for number in range(1000)))
    twin = index.copy()
    assert all(twin.entries[key] is entry for key, entry in index.entries.items())
    fill(twin, "/k/1", "/new")
    assert (index.count(""), twin.count(""), index.revision) == (1000, 1001, 1000)
