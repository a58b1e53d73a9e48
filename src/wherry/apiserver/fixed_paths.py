"""What is served beside resources: discovery, version, health, metrics, and the keys of service account tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import orjson

from wherry.apiserver import clock_control
from wherry.apiserver.call import Answer, Call, Stage, not_allowed
from wherry.apiserver.discovery.handlers import Discovery
from wherry.apiserver.discovery.openapi_handlers import OpenApi
from wherry.apiserver.health import Health
from wherry.apiserver.middleware.dispatch import PAGE_NOT_FOUND
from wherry.apiserver.parts import Parts
from wherry.apiserver.version import handle as version
from wherry.store.port import StoreError
from wherry.wire.messages import Response


def fixed_paths(
    parts: Parts, *, ready: Callable[[], bool], more: Mapping[str, Stage] | None = None
) -> Mapping[str, Stage]:
    """The handlers by path; those that end in `/` serve all that is below."""

    def store_answers() -> bool:
        try:
            return parts.store.revision >= 0
        except StoreError:
            return False

    alive: dict[str, Callable[[], bool]] = {"ping": lambda: True, "log": lambda: True, "etcd": store_answers}
    started = {
        "poststarthook/rbac/bootstrap-roles": ready,
        "poststarthook/scheduling/bootstrap-system-priority-classes": ready,
    }
    config = parts.config
    discovery = Discovery(parts.registry, address=f"{config.advertise_address}:{config.advertise_port}")
    openapi = OpenApi(parts.registry)
    paths: dict[str, Stage] = {
        "/openapi/v2": openapi.v2,
        "/openapi/v3": openapi.v3,
        "/openapi/v3/": openapi.below_v3,
        "/api": _only_get(discovery.api),
        "/api/": _only_get(discovery.below_api),
        "/apis": _only_get(discovery.apis),
        "/apis/": _only_get(discovery.below_apis),
        "/version": _only_get(version),
        "/version/": _only_get(version),
        "/metrics": parts.metrics.handle,
        "/.well-known/openid-configuration": _openid_configuration,
        "/openid/v1/jwks": _key_set,
        clock_control.PATH: clock_control.handle,
        **(more or {}),
    }
    for name, checks in (
        ("livez", {**alive, **started}),
        ("healthz", {**alive, **started}),
        ("readyz", {**alive, "informer-sync": ready, **started, "shutdown": lambda: True}),
    ):
        health = Health(name, checks)
        paths[f"/{name}"] = paths[f"/{name}/"] = health.handle
    paths["/"] = _index(sorted(paths))
    return paths


def _only_get(stage: Stage) -> Stage:
    """Documents have no other method, not even HEAD."""

    def handle(call: Call) -> Answer:
        if call.request.method != "GET":
            raise not_allowed()
        return stage(call)

    return handle


def _index(paths: list[str]) -> Stage:
    known = [path for path in paths if not path.endswith("/")]

    def handle(call: Call) -> Answer:
        groups = call.parts.registry.groups()
        api = ["/api/v1", *(f"/apis/{name}" for name in groups if name)]
        api += [f"/apis/{name}/{version}" for name, versions in groups.items() if name for version in versions]
        return Response(200, orjson.dumps({"paths": sorted({*known, *api})}))

    return handle


def _openid_configuration(call: Call) -> Answer:
    tokens = call.parts.tokens
    if tokens is None:
        return PAGE_NOT_FOUND
    config = call.parts.config
    document = {
        "issuer": tokens.issuer,
        "jwks_uri": f"https://{config.advertise_address}:{config.advertise_port}/openid/v1/jwks",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [tokens.key.algorithm],
    }
    return Response(200, orjson.dumps(document), headers=(("Cache-Control", "public, max-age=3600"),))


def _key_set(call: Call) -> Answer:
    tokens = call.parts.tokens
    if tokens is None:
        return PAGE_NOT_FOUND
    body = orjson.dumps({"keys": [tokens.key.jwk()]})
    return Response(200, body, "application/jwk-set+json", (("Cache-Control", "public, max-age=3600"),))
