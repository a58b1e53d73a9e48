"""What a change is to one watcher: by where it looks and what it selects."""

from __future__ import annotations

from collections.abc import Callable

from wherry.apiserver.objects import decoded
from wherry.apiserver.registry import Served
from wherry.apiserver.selection import Selection
from wherry.apiserver.watching.frames import ADDED, DELETED, MODIFIED, Change
from wherry.store.port import Entry

LEFT = "LEFT"
"""The object still is, but outside the selection: for the watcher it is deleted, as it was before."""


class Sight:
    """`seen_as` gives ADDED, MODIFIED, DELETED or LEFT; empty where the watcher is not concerned.

    Answers about one change are shared by all watchers of the same selection.
    """

    __slots__ = ("_prefix", "_selection", "_served", "seen_as")

    seen_as: Callable[[Change], str]

    def __init__(self, served: Served, selection: Selection, prefix: str) -> None:
        self._served = served
        self._selection = selection
        self._prefix = prefix
        if not selection.everything:
            self.seen_as = self._selected
        elif prefix == served.prefix:
            self.seen_as = _everything
        else:
            self.seen_as = self._below

    def _below(self, change: Change) -> str:
        return change.type if change.entry.key.startswith(self._prefix) else ""

    def _selected(self, change: Change) -> str:
        """An object that comes into the selection is added, one that leaves it is deleted, for this watcher."""
        if not change.entry.key.startswith(self._prefix):
            return ""
        now = change.type != DELETED and self._matches(change, "now", change.entry)
        before = change.previous is not None and self._matches(change, "before", change.previous)
        if now:
            return MODIFIED if before else ADDED
        if not before:
            return ""
        return DELETED if change.type == DELETED else LEFT

    def _matches(self, change: Change, when: str, entry: Entry) -> bool:
        """Asked once per change and selection; the fields are read once per change, whoever asks."""
        selection, kept = self._selection, change.kept
        key = (selection.text, when)
        answer: bool | None = kept.get(key)
        if answer is None:
            obj, fields = decoded(entry), None
            if selection.terms:
                place = (id(self._served), when)
                fields = kept.get(place)
                if fields is None:
                    fields = kept[place] = selection.fields_of(obj)
            answer = kept[key] = selection.matches(obj, fields)
        return answer


def _everything(change: Change) -> str:
    return change.type
