"""What is served beside resources: discovery, version, health, metrics, and the keys of service account tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import orjson

from wherry.apiserver import clock_control
from wherry.apiserver.call import Answer, Call, Stage, not_allowed
from wherry.apiserver.discovery.handlers import Discovery
from wherry.apiserver.discovery.openapi_handlers import OpenApi
from wherry.apiserver.health import Health
from wherry.apiserver.metrics import TEXT
from wherry.apiserver.middleware.dispatch import PAGE_NOT_FOUND
from wherry.apiserver.parts import Parts
from wherry.apiserver.series import health_lines
from wherry.apiserver.version import handle as version
from wherry.store.port import StoreError
from wherry.wire.messages import Response

_STARTED = (
    "poststarthook/priority-and-fairness-config-consumer",
    "poststarthook/priority-and-fairness-filter",
    "poststarthook/crd-informer-synced",
    "poststarthook/start-system-namespaces-controller",
    "poststarthook/start-cluster-authentication-info-controller",
    "poststarthook/start-kube-apiserver-identity-lease-controller",
    "poststarthook/start-service-ip-repair-controllers",
    "poststarthook/rbac/bootstrap-roles",
    "poststarthook/scheduling/bootstrap-system-priority-classes",
    "poststarthook/priority-and-fairness-config-producer",
    "poststarthook/bootstrap-controller",
    "poststarthook/apiservice-status-local-available-controller",
    "poststarthook/apiservice-status-remote-available-controller",
    "poststarthook/apiservice-discovery-controller",
    "poststarthook/kube-apiserver-autoregistration",
    "autoregister-completion",
)
"""What is done when the server has started, in upstream's words and order."""


def fixed_paths(
    parts: Parts, *, ready: Callable[[], bool], stays: Callable[[], bool], more: Mapping[str, Stage] | None = None
) -> Mapping[str, Stage]:
    """The handlers by path; those that end in `/` serve all that is below. `stays` is False from a shutdown's begin on."""

    def store_answers() -> bool:
        try:
            return parts.store.revision >= 0
        except StoreError:
            return False

    alive: dict[str, Callable[[], bool]] = {"ping": lambda: True, "log": lambda: True, "etcd": store_answers}
    started = dict.fromkeys(_STARTED, ready)
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
    all_checks = {
        "livez": {**alive, **started},
        "healthz": {**alive, **started},
        "readyz": {**alive, "etcd-readiness": store_answers, "informer-sync": ready, **started, "shutdown": stays},
    }
    paths["/metrics/slis"] = _slis(all_checks)
    for name, checks in all_checks.items():
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


def _slis(checks: Mapping[str, Mapping[str, Callable[[], bool]]]) -> Stage:
    def handle(call: Call) -> Answer:
        return Response(200, "\n".join([*health_lines(checks), ""]).encode(), TEXT)

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
