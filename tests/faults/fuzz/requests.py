"""Random HTTP requests to the API: every kind of path, option, media type and body that it knows, changed a little."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson
from tests.faults.fuzz.mutation import mutated
from tests.laws.test_api_server_random_objects import drawn
from tests.unit.apiserver.test_bad_input import BODIES

from wherry.api.resources import BUILTIN, Resource

METHODS = ("GET", "GET", "GET", "POST", "POST", "PUT", "PATCH", "PATCH", "PATCH", "DELETE", "HEAD", "OPTIONS")
NAMES = (
    "a",
    "b",
    "default",
    "kube-system",
    "kubernetes",
    "A",
    "..",
    "%2f",
    "%00",
    "a:b",
    "https:a:8443",
    "x" * 254,
    "ä",
    "status",
    "",
)
SUBRESOURCES = ("", "", "", "status", "scale", "finalize", "binding", "eviction", "token", "log", "exec", "portforward", "proxy/x", "approval", "ephemeralcontainers", "resize", "attach", "nothing")  # fmt: skip
MEDIA_TYPES = (
    "application/json",
    "application/json",
    "application/json",
    "application/yaml",
    "application/vnd.kubernetes.protobuf",
    "application/cbor",
    "text/plain",
    "application/json; charset=utf-8",
    "",
)
PATCH_TYPES = ("application/merge-patch+json", "application/json-patch+json", "application/strategic-merge-patch+json", "application/apply-patch+yaml", "application/apply-patch+cbor", "application/json")  # fmt: skip
ACCEPTS = ("application/json", "*/*", "", "application/yaml", "application/vnd.kubernetes.protobuf", "application/json;as=Table;v=v1;g=meta.k8s.io", "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json", "application/json;as=Table;v=v2;g=x", "text/html;q=0.1", ";;;", "application/json;q=x")  # fmt: skip
VALUES: dict[str, tuple[str, ...]] = {
    "limit": ("1", "500", "0", "-1", "x", "9223372036854775808"),
    "continue": ("", "e30", "%ff", "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhXHUwMDAwIn0", "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6LTEsInN0YXJ0IjoiLi4vLi4vYSJ9", "bnVsbA", "WzFd"),
    "resourceVersion": ("0", "1", "999999999", "-1", "x", ""),
    "resourceVersionMatch": ("Exact", "NotOlderThan", "x"),
    "labelSelector": ("a=b", "a in (b,c)", "!a", "a==", "((", "a>1", "=", "," * 300),
    "fieldSelector": ("metadata.name=a", "spec.nodeName=", "status.phase!=x", "a", "=", "metadata.name=a,metadata.namespace=b"),
    "watch": ("1", "true", "0", "x"),
    "sendInitialEvents": ("true", "x"),
    "allowWatchBookmarks": ("true",),
    "timeoutSeconds": ("1", "0", "-1", "x", "1e9"),
    "dryRun": ("All", "x", ""),
    "fieldManager": ("m", "", "\x00", "x" * 129),
    "fieldValidation": ("Strict", "Warn", "Ignore", "x"),
    "force": ("true", "false", "x"),
    "gracePeriodSeconds": ("0", "-1", "x", "9223372036854775808"),
    "propagationPolicy": ("Foreground", "Background", "Orphan", "x"),
    "orphanDependents": ("true", "x"),
    "pretty": ("true", "x"),
    "container": ("c", ""),
    "tailLines": ("1", "-1", "x"),
    "command": ("sh",),
    "ports": ("80", "x"),
    "path": ("/x", "../.."),
}  # fmt: skip
OTHER = ("/", "/api", "/apis", "/apis/apps", "/api/v1", "/version", "/healthz", "/livez?verbose", "/readyz/etcd", "/metrics", "/openapi/v2", "/openapi/v3", "/openapi/v3/api/v1?hash=x", "/.well-known/openid-configuration", "/openid/v1/jwks", "/debug/api_priority_and_fairness/dump_queues", "/logs", "/api/v1/watch/pods", "/apis/x/v1/y/z", "//", "/api/v1/namespaces/a/pods/b/c/d/e")  # fmt: skip
PATCHES = (
    b'{"metadata":{"labels":{"a":"b"},"managedFields":[{}],"finalizers":["x/y"]},"spec":{"replicas":2}}',
    b'[{"op":"add","path":"/metadata/labels","value":{"a":"b"}},{"op":"remove","path":"/spec"}]',
    b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"a":"b"}}',
    b'{"metadata":{"managedFields":[{"manager":"a","operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:data":{"f:a":{}},"k:{\\"a\\":1}":{},"v:1":{}}}]}}',
    b'{"spec":{"$setElementOrder/containers":[{"name":"c"}],"containers":[{"name":"c","$patch":"delete"}]}}',
)
OPTIONS = (
    b'{"kind":"DeleteOptions","apiVersion":"v1","propagationPolicy":"Orphan","preconditions":{"uid":"u","resourceVersion":"1"},"gracePeriodSeconds":0}',
    b'{"dryRun":["All"],"orphanDependents":true,"ignoreStoreReadErrorWithClusterBreakingPotential":true}',
)
HEADERS = (("impersonate-user", "x"), ("impersonate-group", "y"), ("impersonate-extra-a%2fb", "c"), ("impersonate-uid", ""), ("authorization", "Bearer x.y.z"), ("authorization", "Basic !"), ("accept-encoding", "gzip, br;q=x"), ("if-none-match", "W/\"x\""), ("audit-id", "\u00e4" * 100), ("content-encoding", "gzip"), ("x-remote-user", "root"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sent:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


STORED: list[tuple[str, bytes]] = [
    (target, orjson.dumps({**body, "metadata": {**body["metadata"], "name": "a"}}))
    for target, body in BODIES.items()
    if "metadata" in body
]
"""Where objects are that exist when it begins, each of them named `a`."""


def drawn_request(rng: random.Random, resources: Sequence[Resource] = BUILTIN) -> Sent:
    """The next request. All its chance comes from `rng`."""
    if rng.random() < 0.3:
        return _to_stored(rng)
    method = rng.choice(METHODS)
    if rng.random() < 0.05:
        return Sent(method, rng.choice(OTHER), {"accept": rng.choice(ACCEPTS)}, rng.choice((b"", b"{}")))
    resource = rng.choice(resources)
    media_type = rng.choice(PATCH_TYPES if method == "PATCH" else MEDIA_TYPES)
    headers = {"content-type": media_type, "accept": rng.choice(ACCEPTS)}
    if rng.random() < 0.1:
        headers.update([rng.choice(HEADERS)])
    body = _body(rng, method, resource) if method in ("POST", "PUT", "PATCH", "DELETE") else b""
    return Sent(method, _target(rng, method, resource), headers, body)


def _to_stored(rng: random.Random) -> Sent:
    """A change of an object that is there."""
    target, body = rng.choice(STORED)
    method = rng.choice(("PUT", "PATCH", "PATCH", "POST"))
    seeds = (body, *PATCHES) if method == "PATCH" else (body,)
    query = rng.choice(("", "?dryRun=All", "?fieldValidation=Strict&fieldManager=m", "?fieldManager=m&force=true"))
    where = target if method == "POST" else f"{target}/a{rng.choice(('', '', '', '/status', '/scale', '/resize'))}"
    headers = {"content-type": rng.choice(PATCH_TYPES if method == "PATCH" else MEDIA_TYPES[:4]), "accept": "*/*"}
    return Sent(method, where + query, headers, mutated(rng, seeds))


def _target(rng: random.Random, method: str, resource: Resource) -> str:
    namespace = rng.choice(("default", "default", "kube-system", rng.choice(NAMES))) if resource.namespaced else None
    target = resource.path(namespace if rng.random() < 0.95 else None)
    if method != "POST" or rng.random() < 0.2:
        name = rng.choice(("a", "a", "a", rng.choice(NAMES)))
        if method not in ("GET", "DELETE") or rng.random() < 0.6:
            target += f"/{name}"
            if subresource := rng.choice((*SUBRESOURCES, *resource.subresources)):
                target += f"/{subresource}"
    options = rng.sample(sorted(VALUES), rng.choice((0, 0, 1, 2, 4)))
    query = "&".join(f"{name}={quote(rng.choice(VALUES[name]), safe='%')}" for name in options)
    return f"{target}?{query}" if query else target


def _body(rng: random.Random, method: str, resource: Resource) -> bytes:
    obj = orjson.dumps(_object(rng, resource))
    seeds: tuple[bytes, ...] = (obj, obj, *(PATCHES if method == "PATCH" else OPTIONS if method == "DELETE" else ()))
    return rng.choice(seeds) if rng.random() < 0.4 else mutated(rng, seeds)


def _object(rng: random.Random, resource: Resource) -> Any:
    obj = drawn(resource, rng, rng.choice(("a", "a", "b")))
    if rng.random() < 0.5:
        path = rng.choice(_places(obj) or [()])
        _replace(
            obj,
            path,
            rng.choice((None, True, -1, 2**63, 1.5, "", "x" * 300, "a/b", "\u0000", [], [None], {}, {"": None})),
        )
    return obj


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found += _places(item, (*path, key))
    return found


def _replace(holder: Any, path: tuple[Any, ...], value: Any) -> None:
    for key in path[:-1]:
        holder = holder[key]
    if path:
        holder[path[-1]] = value
