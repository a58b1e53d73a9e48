"""Telling an extension API server who asks: the front proxy's headers, and the certificate that makes them believed.

Source: "Configure the aggregation layer" in the Kubernetes documentation.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import orjson

from wherry.api.types import Object
from wherry.policy.user import MASTERS, User
from wherry.wire.messages import Headers, Request

AGGREGATOR = User("system:kube-aggregator", (MASTERS,))
"""Who asks when this server asks on its own behalf."""
CLIENT_NAME = "front-proxy-client"
_USER, _UID, _GROUP, _EXTRA = "X-Remote-User", "X-Remote-Uid", "X-Remote-Group", "X-Remote-Extra-"
_STRIPPED = ("x-remote-", "impersonate-")
_SAFE = "!#$&'*+-.^_`|~"


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontProxy:
    """The proxy's client certificate, and the authority (PEM) by which extension API servers know it."""

    ca: str
    certificate: Path
    key: Path


def remote_headers(user: User) -> Headers:
    headers = [(_USER, user.name)]
    if user.uid:
        headers.append((_UID, user.uid))
    headers += [(_GROUP, group) for group in user.groups]
    # A header name has few letters; what is none of them is escaped, capitals too, since names lose their case.
    headers += [
        (_EXTRA + quote(key.lower(), safe=_SAFE), value) for key, values in user.extra.items() for value in values
    ]
    return headers


def without_claims(request: Request) -> Request:
    """The request without what only this server may say of its caller."""
    headers = {name: value for name, value in request.headers.items() if not name.startswith(_STRIPPED)}
    return Request(request.method, request.target, request.path, request.raw_query, headers, request.body, request.peer)


def authentication_config(client_ca: str, proxy: FrontProxy | None) -> Object:
    """The ConfigMap from which extension API servers learn whom to believe."""
    data = {"client-ca-file": client_ca} if client_ca else {}
    if proxy is not None:
        data |= {
            "requestheader-allowed-names": _list(CLIENT_NAME),
            "requestheader-client-ca-file": proxy.ca,
            "requestheader-extra-headers-prefix": _list(_EXTRA),
            "requestheader-group-headers": _list(_GROUP),
            "requestheader-uid-headers": _list(_UID),
            "requestheader-username-headers": _list(_USER),
        }
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "extension-apiserver-authentication", "namespace": "kube-system"},
        "data": data,
    }


def _list(value: str) -> str:
    return orjson.dumps([value]).decode()
