"""What a watcher can be found by: the one object that it watches, or the node whose objects it wants.

A cluster of a thousand nodes has a thousand watchers of pods, each for one node, and as many of single objects. They are
only asked about changes that can concern them. Source: the index triggers of k8s.io/apiserver/pkg/storage/cacher.
"""

from __future__ import annotations

from collections.abc import Iterable

from wherry.apiserver.objects import decoded
from wherry.apiserver.registry import Served
from wherry.apiserver.selection import Selection
from wherry.apiserver.watching.frames import Change
from wherry.store.port import Entry

Interest = tuple[str, str]
"""`("", key)`: of one object. `(NODE, name)`: of the objects of a node."""

NODE = "spec.nodeName"


def interest_of(served: Served, selection: Selection, namespace: str) -> Interest | None:
    """What a watch can be found by; None where it must be asked about every change."""
    if selection.name and (namespace or not served.namespaced):
        return "", served.key(namespace, selection.name)
    if served.conversion is None:
        for term in selection.terms:
            if term.field == NODE and term.equal:
                return NODE, term.value
    return None


def interests_of(change: Change) -> Iterable[Interest]:
    """Everything that watchers of a change can be found by; an object may come from another node (or none)."""
    now = _node(change.entry)
    found = [("", change.entry.key), (NODE, now)]
    if change.previous is not None and (before := _node(change.previous)) != now:
        found.append((NODE, before))
    return found


def _node(entry: Entry) -> str:
    spec = decoded(entry).get("spec")
    return (spec.get("nodeName") or "") if isinstance(spec, dict) else ""
