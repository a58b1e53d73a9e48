"""From a request's method and path to what is asked of which resource.

`PathInfo` depends on the path alone and is kept, because clients ask for the same paths again and again.
Source: k8s.io/apiserver/pkg/endpoints/request/requestinfo.go.
"""

from __future__ import annotations

from wherry.apiserver.registry import Registry, Served

_NAMESPACE_SUBRESOURCES = frozenset({"status", "finalize"})
_CACHE_SIZE = 20_000

VERB_OF_METHOD = {
    "POST": "create",
    "GET": "get",
    "HEAD": "get",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}


class PathInfo:
    """A path taken apart. `resource_request` is False for `/healthz`, `/apis` and the like; then `path` says it all."""

    __slots__ = (
        "group", "key", "name", "namespace", "path", "plural", "resource_request", "rest", "served", "subresource",
        "version", "watch_path",
    )  # fmt: skip

    def __init__(self, path: str) -> None:
        self.path = path
        self.resource_request = False
        self.group = self.version = self.namespace = self.plural = self.name = self.subresource = ""
        self.rest = ""
        """What follows the subresource, as in `pods/x/proxy/a/b`."""
        self.served: Served | None = None
        self.key = ""
        """Where the named object is kept; empty without a name."""
        self.watch_path = False
        """The old form `/api/v1/watch/...`."""


def parse_path(path: str, registry: Registry) -> PathInfo:
    """Take a path apart; never fails: what does not name a resource is not a resource request."""
    info = PathInfo(path)
    parts = path.strip("/").split("/")
    if parts[0] == "api" and len(parts) >= 3:
        info.group, info.version, parts = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) >= 4:
        info.group, info.version, parts = parts[1], parts[2], parts[3:]
    else:
        return info
    info.resource_request = True
    if parts[0] == "watch" and len(parts) > 1:
        info.watch_path, parts = True, parts[1:]
    _fill_names(info, parts)
    if (info.group, info.version) in registry.aggregated:
        return info
    info.served = registry.find(info.group, info.version, info.plural)
    served = info.served
    if served and info.name and (info.namespace or not served.namespaced):
        info.key = served.key(info.namespace, info.name)
    return info


def _fill_names(info: PathInfo, parts: list[str]) -> None:
    if parts[0] == "namespaces":
        if len(parts) > 1:
            info.namespace = parts[1]
        if len(parts) > 2 and parts[2] not in _NAMESPACE_SUBRESOURCES:
            parts = parts[2:]
    info.plural = parts[0]
    info.name = parts[1] if len(parts) > 1 else ""
    info.subresource = parts[2] if len(parts) > 2 else ""
    info.rest = "/".join(parts[3:])


class PathCache:
    """The paths asked for lately, taken apart; forgotten as a whole when full or when the registry changed."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._known: dict[str, PathInfo] = {}
        self._generation = registry.generation

    def __call__(self, path: str) -> PathInfo:
        if self._generation != self._registry.generation:
            self._known.clear()
            self._generation = self._registry.generation
        info = self._known.get(path)
        if info is None:
            if len(self._known) >= _CACHE_SIZE:
                self._known.clear()
            info = self._known[path] = parse_path(path, self._registry)
        return info


def verb_of(method: str, info: PathInfo, *, watch: bool) -> str:
    """The verb that authorization and the handlers go by; the method in lower case where nothing is named."""
    if not info.resource_request:
        return method.lower()
    verb = VERB_OF_METHOD.get(method, "")
    if info.name:
        return "watch" if info.watch_path and verb == "get" else verb
    if verb == "get":
        return "watch" if watch or info.watch_path else "list"
    return "deletecollection" if verb == "delete" else verb
