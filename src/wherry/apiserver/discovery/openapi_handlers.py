"""Serving `/openapi/v2` and `/openapi/v3`. Documents are made when first asked for and kept compressed."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from hashlib import sha512

import orjson

from wherry.api.errors import NotAcceptable
from wherry.api.types import Object
from wherry.apiserver.answers import NO_CACHE
from wherry.apiserver.call import Answer, Call
from wherry.apiserver.discovery import openapi
from wherry.apiserver.discovery.openapi_protobuf import CONTENT_TYPE, encode
from wherry.apiserver.discovery.openapi_protobuf import MEDIA_TYPES as PROTOBUF
from wherry.apiserver.middleware.dispatch import PAGE_NOT_FOUND
from wherry.apiserver.negotiation import JSON, clauses
from wherry.apiserver.registry import Registry
from wherry.apiserver.version import version
from wherry.wire.messages import Response

_JSON_LIKE = frozenset({JSON, "*/*", "application/*", ""})


class OpenApi:
    """The handlers."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._generation = -1
        self._kept: dict[str, bytes] = {}

    def v2(self, call: Call) -> Answer:
        for clause in clauses(call.request.headers.get("accept", "")):
            if clause.media in _JSON_LIKE:
                return self._document(call, "v2", lambda: orjson.dumps(self._whole_v2()))
            if clause.media in PROTOBUF:
                return self._document(call, "v2 protobuf", self._protobuf_v2, content_type=CONTENT_TYPE)
        raise NotAcceptable(f"only the following media types are accepted: {JSON}, {CONTENT_TYPE}")

    def _protobuf_v2(self) -> bytes:
        return encode(self._whole_v2())

    def _whole_v2(self) -> Object:
        document = openapi.document_v2(self._registry.all())
        for each in self._registry.aggregated.values():
            openapi.merge_v2(document, each.described.openapi_v2)
        return document

    def v3(self, call: Call) -> Answer:
        """The index: where each group's document is, under a hash of what it is made from."""
        paths = {}
        for group, versions in self._registry.groups().items():
            for each in versions:
                where = f"apis/{group}/{each}" if group else f"api/{each}"
                if aggregated := self._registry.aggregated.get((group, each)):
                    if url := aggregated.described.openapi_v3:
                        paths[where] = {"serverRelativeURL": url}
                    continue
                paths[where] = {"serverRelativeURL": f"/openapi/v3/{where}?hash={self._hash(group, each)}"}
        return Response(200, orjson.dumps({"paths": paths}), headers=(NO_CACHE,))

    def below_v3(self, call: Call) -> Answer:
        """`/openapi/v3/apis/{group}/{version}`."""
        parts = call.info.path.strip("/").split("/")[2:]
        if parts[:1] == ["api"] and len(parts) == 2:
            group, each = "", parts[1]
        elif parts[:1] == ["apis"] and len(parts) == 3:
            group, each = parts[1], parts[2]
        else:
            return PAGE_NOT_FOUND if parts and parts != [""] else self.v3(call)
        if aggregated := self._registry.aggregated.get((group, each)):
            return aggregated.backend.serve(call)
        resources = self._registry.resources(group, each)
        if not resources:
            return PAGE_NOT_FOUND
        return self._document(call, f"v3 {group}/{each}", lambda: orjson.dumps(openapi.document_v3(resources)))

    def _hash(self, group: str, each: str) -> str:
        names = [
            resource.plural if resource.custom is None else resource.plural + resource.custom.fingerprint
            for resource in self._registry.resources(group, each)
        ]
        source = orjson.dumps([version()["gitCommit"], version()["gitVersion"], group, each, names])
        return sha512(source).hexdigest().upper()

    def _document(self, call: Call, name: str, make: Callable[[], bytes], *, content_type: str = JSON) -> Answer:
        if self._generation != self._registry.generation:
            self._kept.clear()
            self._generation = self._registry.generation
        packed = self._kept.get(name)
        if packed is None:
            packed = self._kept[name] = gzip.compress(make(), compresslevel=4, mtime=0)
        etag = f'"{sha512(packed).hexdigest().upper()}"'
        headers = (("Cache-Control", "no-cache, private"), ("ETag", etag), ("Vary", "Accept-Encoding"))
        if call.request.headers.get("if-none-match") == etag:
            return Response(304, b"", headers=headers)
        if "gzip" in call.request.headers.get("accept-encoding", ""):
            return Response(200, packed, content_type, (*headers, ("Content-Encoding", "gzip")))
        return Response(200, gzip.decompress(packed), content_type, headers)
