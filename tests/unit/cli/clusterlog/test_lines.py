"""Lines of the cluster's log, by component."""

from __future__ import annotations

from wherry.cli.clusterlog.lines import Filter

LOG = """\
free text
2026-01-01T00:00:01.000Z INFO    cluster: up
2026-01-01T00:00:02.000Z ERROR   node.server: broke
Traceback (most recent call last):
  boom
2026-01-01T00:00:03.000Z WARNING nodes: another name
2026-01-01T00:00:04.000Z INFO    node: fine
""".splitlines()


def test_continuations_belong_to_the_line_before() -> None:
    assert list(Filter("node").keep(LOG)) == [LOG[2], LOG[3], LOG[4], LOG[6]]
    assert list(Filter("cluster").keep(LOG)) == LOG[:2]


def test_since() -> None:
    assert list(Filter("node", since="2026-01-01T00:00:03").keep(LOG)) == [LOG[6]]
    assert list(Filter("cluster", since="2026-01-01T00:00:03").keep(LOG)) == []
