"""The operations of a resource, in the forms of OpenAPI v2 and v3.

Clients look here for the kind behind a path (`kubectl explain`) and for the parameters that an operation takes (server-side
field validation, dry runs, apply).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from wherry.api.resources import Resource
from wherry.api.types import Object
from wherry.apiserver.discovery.subresources import subresource

_JSON, _YAML = "application/json", "application/yaml"
PATCH_TYPES = ("application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json")
_CUSTOM_PATCH_TYPES = tuple(each for each in PATCH_TYPES if "strategic" not in each)
_WRITE = ("dryRun", "fieldManager", "fieldValidation")
_DELETE = ("dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy")
_LIST = (
    "allowWatchBookmarks", "continue", "fieldSelector", "labelSelector", "limit", "resourceVersion",
    "resourceVersionMatch", "sendInitialEvents", "timeoutSeconds", "watch",
)  # fmt: skip
_TYPES = {
    **dict.fromkeys(("allowWatchBookmarks", "sendInitialEvents", "watch", "orphanDependents"), "boolean"),
    **dict.fromkeys(("limit", "timeoutSeconds", "gracePeriodSeconds"), "integer"),
}
# method, action and parameters, for paths with a name and for those without
_NAMED = {
    "get": ("get", "get", ()),
    "update": ("put", "put", _WRITE),
    "patch": ("patch", "patch", (*_WRITE, "force")),
    "delete": ("delete", "delete", _DELETE),
}
_COLLECTION = {
    "list": ("get", "list", _LIST),
    "create": ("post", "post", _WRITE),
    "deletecollection": ("delete", "deletecollection", (*_DELETE, *_LIST)),
}
_SUB_METHODS = {"get": "get", "update": "put", "patch": "patch", "create": "post", "delete": "delete"}

Parameter = Callable[[str, str, str], Object]
"""`(name, place, type)` in the words of the OpenAPI version."""


def parameter_v3(name: str, place: str, type: str) -> Object:
    found: Object = {"name": name, "in": place, "schema": {"type": type}}
    return {**found, "required": True} if place == "path" else found


def parameter_v2(name: str, place: str, type: str) -> Object:
    found: Object = {"name": name, "in": place, "type": type}
    return {**found, "required": True} if place == "path" else found


def _kind(group: str, version: str, kind: str) -> Object:
    return {"group": group, "version": version, "kind": kind}


def paths_of(resource: Resource, parameter: Parameter, body: Callable[[str], Object]) -> Iterator[tuple[str, Object]]:
    """Each path with its operations. `body` words a request of a kind, named `group/version, Kind` by the schema."""
    base, plural = resource.base_path, resource.plural
    collection = f"{base}/namespaces/{{namespace}}/{plural}" if resource.namespaced else f"{base}/{plural}"
    gvk = _kind(resource.group, resource.version, resource.kind)
    if found := _operations(_COLLECTION, resource.verbs, gvk, parameter, body):
        yield collection, _with_path_parameters(found, collection, parameter)
    if resource.namespaced and "list" in resource.verbs:
        everywhere = _operations({"list": _COLLECTION["list"]}, resource.verbs, gvk, parameter, body)
        yield f"{base}/{plural}", _with_path_parameters(everywhere, "", parameter)
    named = f"{collection}/{{name}}"
    if found := _operations(_NAMED, resource.verbs, gvk, parameter, body):
        yield named, _with_path_parameters(found, named, parameter)
    for name in resource.subresources:
        sub = subresource(resource, name)
        sub_gvk = _kind(sub.group, sub.version, sub.kind) if sub.version else {**gvk, "kind": sub.kind or gvk["kind"]}
        operations = {
            _SUB_METHODS[verb]: _operation(
                _SUB_METHODS[verb], sub_gvk, _WRITE if verb != "get" else (), parameter, body
            )
            for verb in sub.verbs
        }
        yield f"{named}/{name}", _with_path_parameters(operations, named, parameter)


def _operations(
    table: dict[str, tuple[str, str, tuple[str, ...]]],
    verbs: tuple[str, ...],
    gvk: Object,
    parameter: Parameter,
    body: Callable[[str], Object],
) -> Object:
    return {
        method: _operation(action, gvk, parameters, parameter, body)
        for verb, (method, action, parameters) in table.items()
        if verb in verbs
    }


def _operation(
    action: str, gvk: Object, parameters: tuple[str, ...], parameter: Parameter, body: Callable[[str], Object]
) -> Object:
    operation: Object = {
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": gvk,
        "parameters": [parameter(name, "query", _TYPES.get(name, "string")) for name in parameters],
        "responses": {"200": {"description": "OK"}},
    }
    return {**operation, **body(action)}


def _with_path_parameters(operations: Object, path: str, parameter: Parameter) -> Object:
    names = [name for name in ("name", "namespace") if f"{{{name}}}" in path]
    return {**operations, "parameters": [parameter(name, "path", "string") for name in names]} if names else operations


def body_v3(action: str) -> Object:
    return _body_v3(action, PATCH_TYPES)


def body_v3_custom(action: str) -> Object:
    """Custom resources know no strategic merge patch, and clients look here before they try."""
    return _body_v3(action, _CUSTOM_PATCH_TYPES)


def _body_v3(action: str, patch_types: tuple[str, ...]) -> Object:
    if action == "patch":
        return {"requestBody": {"content": {kind: {"schema": {"type": "object"}} for kind in patch_types}}}
    if action in ("post", "put"):
        return {"requestBody": {"content": {"*/*": {"schema": {"type": "object"}}}}}
    return {}


def body_v2(action: str) -> Object:
    return _body_v2(action, PATCH_TYPES)


def body_v2_custom(action: str) -> Object:
    return _body_v2(action, _CUSTOM_PATCH_TYPES)


def _body_v2(action: str, patch_types: tuple[str, ...]) -> Object:
    if action == "patch":
        return {"consumes": list(patch_types), "produces": [_JSON, _YAML]}
    return {"consumes": ["*/*"], "produces": [_JSON, _YAML]}
