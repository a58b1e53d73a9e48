"""Which line a watcher gets for a change: by its selection, in its form."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from wherry.api.types import Object
from wherry.apiserver.answers import served_form
from wherry.apiserver.call import Call
from wherry.apiserver.negotiation import Format
from wherry.apiserver.objects import decoded
from wherry.apiserver.selection import Selection
from wherry.apiserver.transforms import partial, table
from wherry.apiserver.watching.frames import ADDED, DELETED, Change, line, object_line
from wherry.apiserver.watching.sight import LEFT, Sight
from wherry.store.port import Entry

LineOf = Callable[[Change], bytes]
"""The line for a change; empty where the watcher is not concerned."""


class Lines:
    """The lines of one watch. `initial` is for an object that is there already, `change` for what happens later."""

    __slots__ = ("_call", "_columns", "_form", "_prefix", "_seen_as", "_selection", "_served", "change")

    change: LineOf

    def __init__(self, call: Call, form: Format, selection: Selection, prefix: str) -> None:
        self._call = call
        self._served = call.served
        self._form = form
        self._selection = selection
        self._prefix = prefix
        self._columns = True
        self._seen_as = Sight(self._served, selection, prefix).seen_as
        plain = form.plain and self._served.conversion is None
        self.change = self._plain_change if plain and selection.everything else self._seen_change

    def initial(self, entry: Entry) -> bytes:
        if not self._selection.everything and not self._selection.matches(decoded(entry)):
            return b""
        if self._form.plain and self._served.conversion is None:
            return line(ADDED, entry.value)
        return self._formed(ADDED, served_form(self._served, entry))

    def bookmark(self, revision: int, *, initial_events_end: bool = False) -> bytes:
        """Nothing happened up to this revision that the watcher has not seen."""
        metadata: Object = {"resourceVersion": str(revision), "creationTimestamp": None}
        if initial_events_end:
            metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
        obj: Object = {"kind": self._served.kind, "apiVersion": self._served.api_version, "metadata": metadata}
        if self._form.transform:
            obj = partial(obj, self._form.version)
        return object_line("BOOKMARK", obj)

    def _plain_change(self, change: Change) -> bytes:
        return change.plain_line(change.type) if change.entry.key.startswith(self._prefix) else b""

    def _seen_change(self, change: Change) -> bytes:
        seen = self._seen_as(change)
        if not seen:
            return b""
        if seen != LEFT:
            return self._line(seen, change)
        obj = change.last_match()
        return self._formed(DELETED, self._served.conversion.from_stored(obj) if self._served.conversion else obj)

    def _line(self, type: str, change: Change) -> bytes:
        if self._form.plain and self._served.conversion is None:
            return change.plain_line(type)
        return self._formed(type, served_form(self._served, change.entry))

    def _formed(self, type: str, obj: Object) -> bytes:
        if self._form.transform == "Table":
            metadata = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
            obj = table(self._call, self._form, [obj], metadata, columns=self._columns)
            self._columns = False
        elif self._form.transform:
            obj = partial(obj, self._form.version)
        return line(type, orjson.dumps(obj))
