"""Which logins of pull secrets are for an image's registry. Pure.

Source: "Pull an Image from a Private Registry" and "Images: interpretation of config.json" in the Kubernetes documentation;
pkg/credentialprovider (keyring.go, config.go).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final
from urllib.parse import urlsplit

from wherry.api.types import Object
from wherry.node.images.references import normalise_or_none, repository
from wherry.node.runtimes.port import Login

_KINDS: Final = {"kubernetes.io/dockerconfigjson": ".dockerconfigjson", "kubernetes.io/dockercfg": ".dockercfg"}
"""The types of secrets that hold logins, and the key where."""
_HUB: Final = "index.docker.io"
_HUB_NAMES: Final = frozenset({"docker.io", _HUB})


def logins_for(reference: str, secrets: Iterable[Object]) -> tuple[Login, ...]:
    """In the order in which to try them: the most specific entry first, each once. Secrets of other types have none."""
    if normalise_or_none(reference) is None:
        return ()
    image = repository(reference)
    entries = [entry for secret in secrets for entry in _entries(secret)]
    entries.sort(key=lambda entry: entry[0], reverse=True)
    found = [login for key, login in entries if matches(key, image)]
    if not found and image.partition("/")[0] in _HUB_NAMES:
        found = [login for key, login in entries if key.partition("/")[0] in _HUB_NAMES]
    return tuple(dict.fromkeys(found))


def matches(key: str, image: str) -> bool:
    """Whether an entry is for an image: as many parts of the host, each fitting its pattern, the same port, and its path."""
    wanted, found = urlsplit(f"https://{key}"), urlsplit(f"https://{image}")
    patterns, parts = _host(wanted.netloc), _host(found.netloc)
    return (
        patterns[1] == parts[1]
        and len(patterns[0]) == len(parts[0])
        and found.path.startswith(wanted.path)
        and all(fnmatchcase(part, pattern) for pattern, part in zip(patterns[0], parts[0], strict=True))
    )


def _host(netloc: str) -> tuple[list[str], str]:
    name, colon, port = netloc.rpartition(":")
    return (name.split("."), port) if colon and port.isdigit() else (netloc.split("."), "")


def _entries(secret: Object) -> Iterator[tuple[str, Login]]:
    field = _KINDS.get(secret.get("type") or "")
    encoded = (secret.get("data") or {}).get(field or "") or ""
    try:
        found: Any = json.loads(base64.b64decode(encoded)) if encoded else {}
    except (ValueError, binascii.Error):
        return
    if field == ".dockerconfigjson" and isinstance(found, dict):
        found = found.get("auths")
    for server, entry in found.items() if isinstance(found, dict) else ():
        if isinstance(entry, dict) and (login := _login(entry)) is not None:
            yield _key(server), login


def _key(server: str) -> str:
    """Host and path of what people write: with a scheme or without, and with the version of a registry's API."""
    url = urlsplit(server if server.startswith(("https://", "http://")) else f"https://{server}")
    path = url.path
    if path.startswith(("/v1/", "/v2/")):
        path = path[3:]
    return url.netloc + ("" if path == "/" else path)


def _login(entry: Mapping[str, Any]) -> Login | None:
    user, password = str(entry.get("username") or ""), str(entry.get("password") or "")
    if auth := entry.get("auth"):
        try:
            user, colon, password = base64.b64decode(str(auth)).decode().partition(":")
        except (ValueError, binascii.Error):
            return None
        if not colon:
            return None
    return Login(user, password.strip("\x00")) if user or password else None
