"""Versions of a custom resource that a webhook converts: whoever reads or writes another version than is stored waits for it.

What is read is asked for once per revision, in one call for all that one request needs, and kept for a while: the webhook's
answer about an object that did not change is taken to be the same, as upstream's watch cache does.
Source: k8s.io/apiextensions-apiserver/pkg/apiserver/conversion.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from wherry.api.customresources.conversion_review import VERSIONS, ConversionFailed, converted, review
from wherry.api.errors import StatusError
from wherry.api.types import Object
from wherry.apiserver.objects import decoded, new_uid
from wherry.apiserver.watching.frames import Change
from wherry.apiserver.webhooks.calls import CallFailed, Calls, endpoint_of
from wherry.store.port import Entry

_TIMEOUT_SECONDS = 30
_KEPT = 20_000


class WebhookConversion:
    """To and from one served version (`api_version`). All methods raise `StatusError` where the webhook fails."""

    def __init__(self, calls: Calls, *, conversion: Object, kind: str, api_version: str, stored: str) -> None:
        webhook = conversion.get("webhook") or {}
        spoken = webhook.get("conversionReviewVersions") or ()
        self._calls = calls
        self._endpoint = endpoint_of(webhook.get("clientConfig") or {})
        self._review_version = next((each for each in spoken if each in VERSIONS), "v1")
        self._kind = kind
        self._api_version = api_version
        self._stored = stored
        self._known: dict[tuple[str, int], tuple[bytes, Entry]] = {}
        """What was made of which bytes: a dry run answers with others at the same revision."""

    async def to_stored(self, obj: Object) -> Object:
        """The object in the version in which it is to be written; itself where that is its own."""
        return (await self.objects([obj], self._stored))[0]

    async def from_stored(self, obj: Object) -> Object:
        return (await self.objects([obj], self._api_version))[0]

    async def entries(self, entries: Sequence[Entry]) -> list[Entry]:
        """The entries with their objects in the served version."""
        found: dict[tuple[str, int], Entry | None] = {}
        for entry in entries:
            found[entry.key, entry.mod_revision] = self._at_hand(entry)
        missing = [entry for entry in entries if found[entry.key, entry.mod_revision] is None]
        if missing:
            objects = await self.objects([decoded(entry) for entry in missing], self._api_version)
            if len(self._known) + len(missing) > _KEPT:
                self._known.clear()
            for entry, obj in zip(missing, objects, strict=True):
                made = Entry(entry.key, orjson.dumps(obj), entry.create_revision, entry.mod_revision, obj)
                found[entry.key, entry.mod_revision] = made
                self._known[entry.key, entry.mod_revision] = (entry.value, made)
        shown = (found[entry.key, entry.mod_revision] for entry in entries)
        return [each for each in shown if each is not None]

    def _at_hand(self, entry: Entry) -> Entry | None:
        if decoded(entry)["apiVersion"] == self._api_version:
            return entry
        known = self._known.get((entry.key, entry.mod_revision))
        return known[1] if known is not None and known[0] == entry.value else None

    async def changes(self, changes: Sequence[Change]) -> list[Change]:
        """The changes with the objects in the served version."""
        involved = [each for change in changes for each in (change.entry, change.previous) if each is not None]
        made = iter(await self.entries(involved))
        return [change.replaced(next(made), next(made) if change.previous is not None else None) for change in changes]

    async def objects(self, objects: Sequence[Object], desired: str) -> list[Object]:
        """The objects in the desired version. One call for each version in which there are some."""
        result = list(objects)
        for source in sorted({obj["apiVersion"] for obj in objects} - {desired}):
            places = [i for i, obj in enumerate(objects) if obj["apiVersion"] == source]
            made = await self._ask([objects[i] for i in places], source, desired)
            for i, obj in zip(places, made, strict=True):
                result[i] = obj
        return result

    async def _ask(self, objects: Sequence[Object], source: str, desired: str) -> list[Object]:
        uid, version = new_uid(), self._review_version
        shown = f"{source}, Kind={self._kind}"
        body = orjson.dumps(review(version, uid, desired, objects))
        try:
            answer = await self._calls.post(self._endpoint, body, timeout_seconds=_TIMEOUT_SECONDS)
            return converted(answer, version=version, uid=uid, desired=desired, objects=objects, shown=shown)
        except CallFailed as error:
            raise StatusError(f"conversion webhook for {shown} failed: {error}", code=500) from error
        except ConversionFailed as error:
            raise StatusError(str(error), code=500) from error
