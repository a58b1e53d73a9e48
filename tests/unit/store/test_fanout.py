"""Who is told of a change."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.store.fanout import Fanout
from wherry.store.port import Entry, Event


def change(key: str) -> Event:
    return Event("put", Entry(key, b"", 1, 1), None)


def test_each_watcher_gets_a_batch_once_and_groups_share_it() -> None:
    fanout = Fanout()
    batches: list[Sequence[Event]] = []
    for _ in range(3):
        fanout.add("/pods/", batches.append)
    fanout.add("/nodes/", batches.append)
    events = [change("/pods/a/1"), change("/pods/b/1"), change("/leases/1")]
    fanout.publish(events)
    assert [list(batch) for batch in batches] == [events[:2]] * 3
    assert batches[0] is batches[1] is batches[2]


def test_groups_that_come_and_go() -> None:
    fanout = Fanout()
    keys: list[str] = []

    def deliver(events: Sequence[Event]) -> None:
        keys.extend(event.entry.key for event in events)

    wide = fanout.add("/pods/", deliver)
    fanout.publish([change("/pods/a/1")])
    narrow = fanout.add("/pods/a/", deliver)
    fanout.publish([change("/pods/a/2")])
    odd = fanout.add("/pods/a/3", deliver)
    wide.close()
    fanout.publish([change("/pods/a/3"), change("/pods/b/3")])
    narrow.close()
    odd.close()
    fanout.publish([change("/pods/a/4")])
    assert keys == ["/pods/a/1", "/pods/a/2", "/pods/a/2", "/pods/a/3", "/pods/a/3"]


def test_close_ends_every_watch() -> None:
    fanout = Fanout()
    watches = [fanout.add(prefix, print) for prefix in ("/a/", "/a/", "/b", "")]
    fanout.close()
    assert all(watch.closed for watch in watches)
    fanout.publish([change("/a/1")])
