"""One change of the store as the watchers see it, and its lines on the wire.

A line is made once for each form that some watcher asked for, and kept with the change while it is being delivered.
"""

from __future__ import annotations

from copy import copy
from typing import Any

import orjson

from wherry.api.types import Object
from wherry.apiserver.objects import decoded
from wherry.store.port import Entry, Event

ADDED, MODIFIED, DELETED, BOOKMARK, ERROR = "ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"
_HEADS = {type: b'{"type":"%b","object":' % type.encode() for type in (ADDED, MODIFIED, DELETED, BOOKMARK, ERROR)}
_END = b"}\n"


def line(type: str, value: bytes) -> bytes:
    """One event of a watch; `value` is the object's JSON."""
    return _HEADS[type] + value + _END


def object_line(type: str, obj: Object) -> bytes:
    return line(type, orjson.dumps(obj))


class Change:
    """A store event with what the watchers need of it, worked out when first asked for."""

    __slots__ = ("entry", "kept", "previous", "revision", "type")

    def __init__(self, event: Event) -> None:
        self.entry: Entry = event.entry
        self.previous: Entry | None = event.previous
        self.revision = event.entry.mod_revision
        if event.type == "delete":
            self.type = DELETED
        else:
            self.type = ADDED if event.entry.create_revision == self.revision else MODIFIED
        self.kept: dict[Any, Any] = {}
        """Whatever watchers want to share about this change: lines by form, answers of selectors."""

    def replaced(self, entry: Entry, previous: Entry | None) -> Change:
        """The same change with other forms of its objects."""
        made = copy(self)
        made.entry, made.previous, made.kept = entry, previous, {}
        return made

    def plain_line(self, type: str) -> bytes:
        """The line with the stored bytes."""
        found: bytes | None = self.kept.get(type)
        if found is None:
            found = self.kept[type] = line(type, self.entry.value)
        return found

    def last_match(self) -> Object:
        """The object as it was before, at this change's revision: what a watcher sees leave its selection."""
        if self.previous is None:
            return decoded(self.entry)
        before = decoded(self.previous)
        return {**before, "metadata": {**before["metadata"], "resourceVersion": str(self.revision)}}
