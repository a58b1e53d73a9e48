"""Serving the discovery documents; each is made once and kept until the registry changes."""

from __future__ import annotations

from hashlib import sha512

import orjson

from wherry.api.types import Object
from wherry.apiserver.answers import NO_CACHE, data_reply
from wherry.apiserver.call import Answer, Call
from wherry.apiserver.discovery import documents
from wherry.apiserver.middleware.dispatch import PAGE_NOT_FOUND
from wherry.apiserver.negotiation import JSON, Clause, clauses
from wherry.apiserver.registry import Registry
from wherry.wire.messages import Response

_VERSIONS = ("v2", "v2beta1")


def aggregated_version(accept: str) -> str:
    """The version of the aggregated form that the client prefers to the old one; empty for the old one."""
    for clause in clauses(accept):
        version = _aggregated(clause)
        if version:
            return version
        if clause.media in (JSON, "*/*") and not clause.parameters.get("as"):
            return ""
    return ""


def _aggregated(clause: Clause) -> str:
    parameters = clause.parameters
    if clause.media != JSON or parameters.get("as") != "APIGroupDiscoveryList":
        return ""
    version = parameters.get("v", "")
    return version if parameters.get("g") == "apidiscovery.k8s.io" and version in _VERSIONS else ""


class Discovery:
    """The handlers. `address` is what `/api` tells clients to connect to."""

    def __init__(self, registry: Registry, *, address: str) -> None:
        self._registry = registry
        self._address = address
        self._generation = -1
        self._kept: dict[str, tuple[bytes, str]] = {}

    def api(self, call: Call) -> Answer:
        if version := aggregated_version(call.request.headers.get("accept", "")):
            return self._aggregated(call, core=True, version=version)
        return data_reply(call, documents.api_versions(self._address))

    def apis(self, call: Call) -> Answer:
        if version := aggregated_version(call.request.headers.get("accept", "")):
            return self._aggregated(call, core=False, version=version)
        return data_reply(call, documents.api_group_list(self._registry))

    def below_api(self, call: Call) -> Answer:
        """`/api/v1`."""
        parts = call.info.path.strip("/").split("/")
        if len(parts) == 1:
            return self.api(call)
        return self._document(call, documents.api_resource_list(self._registry, "", parts[1]))

    def below_apis(self, call: Call) -> Answer:
        """`/apis/{group}` and `/apis/{group}/{version}`."""
        parts = call.info.path.strip("/").split("/")
        if len(parts) == 1:
            return self.apis(call)
        if len(parts) == 2:
            return self._document(call, documents.single_group(self._registry, parts[1]))
        if len(parts) == 3 and (aggregated := self._registry.aggregated.get((parts[1], parts[2]))):
            return aggregated.backend.serve(call)
        return self._document(call, documents.api_resource_list(self._registry, parts[1], parts[2]))

    def _document(self, call: Call, document: Object | None) -> Answer:
        return data_reply(call, document) if document is not None else PAGE_NOT_FOUND

    def _aggregated(self, call: Call, *, core: bool, version: str) -> Answer:
        body, etag = self._kept_aggregated(core=core, version=version)
        headers = (NO_CACHE, ("ETag", etag), ("Vary", "Accept"))
        if call.request.headers.get("if-none-match") == etag:
            return Response(304, b"", headers=headers)
        return Response(200, body, f"{JSON};g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList", headers)

    def _kept_aggregated(self, *, core: bool, version: str) -> tuple[bytes, str]:
        if self._generation != self._registry.generation:
            self._kept.clear()
            self._generation = self._registry.generation
        key = f"{core} {version}"
        if key not in self._kept:
            document = documents.aggregated(self._registry, core=core)
            document["apiVersion"] = f"apidiscovery.k8s.io/{version}"
            body = orjson.dumps(document)
            self._kept[key] = (body, f'"{sha512(body).hexdigest().upper()}"')
        return self._kept[key]
