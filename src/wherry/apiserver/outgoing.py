"""Servers that the API server itself asks something of: issuers of tokens, webhooks that decide for it."""

from __future__ import annotations

import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import orjson

from wherry.api.types import Object
from wherry.apiserver.configuration.problems import ConfigurationError
from wherry.client import kubeconfig
from wherry.wire.client import HttpClient
from wherry.wire.dial import Origin
from wherry.wire.errors import WireError
from wherry.wire.messages import Headers
from wherry.wire.tls import client_context

TIMEOUT_SECONDS = 30.0
_ANSWER_LIMIT = 3 * 1024 * 1024


class NoAnswer(Exception):
    """The server could not be asked, or what it said is no answer."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to ask, and with which headers (credentials)."""

    origin: Origin
    path: str
    headers: Headers = ()

    async def get(self, http: HttpClient) -> object:
        """The JSON that is there. Raises `NoAnswer`."""
        return await self._asked(http, "GET", b"")

    async def post(self, http: HttpClient, body: Object, *, timeout: float = TIMEOUT_SECONDS) -> object:
        """The JSON that comes back for a JSON body. Raises `NoAnswer`."""
        return await self._asked(http, "POST", orjson.dumps(body), timeout=timeout)

    async def _asked(self, http: HttpClient, method: str, body: bytes, *, timeout: float = TIMEOUT_SECONDS) -> object:
        headers = (*self.headers, ("Accept", "application/json"))
        if body:
            headers = (*headers, ("Content-Type", "application/json"))
        where = f"{self.origin.authority}{self.path}"
        try:
            answer = await http.request(self.origin, method, self.path, headers=headers, body=body, timeout=timeout)
        except (WireError, OSError) as error:
            raise NoAnswer(f"{where}: {error}") from error
        content = answer.body if isinstance(answer.body, bytes) else b"".join(answer.body)
        if not 200 <= answer.status < 300:
            raise NoAnswer(f"{where}: status {answer.status}")
        if len(content) > _ANSWER_LIMIT:
            raise NoAnswer(f"{where}: the answer is too long")
        try:
            return orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise NoAnswer(f"{where}: the answer is no JSON") from error


def endpoint_of_url(url: str, *, ca: str = "") -> Endpoint:
    """An `https` URL; `ca` is PEM, empty for the machine's trust store. Raises `ConfigurationError`."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise ConfigurationError(f"{url!r} is not the URL of an https server")
    try:
        tls = client_context(ca=ca)
    except (ssl.SSLError, OSError) as error:
        raise ConfigurationError(f"the certificate authority of {url} cannot be used: {error}") from error
    return Endpoint(Origin(host=parts.hostname, port=parts.port or 443, tls=tls), _target(parts.path, parts.query))


def endpoint_of_kubeconfig(path: Path) -> Endpoint:
    """The server of a kubeconfig's current context, as webhooks are configured. Raises `ConfigurationError`."""
    try:
        if not path.exists():
            raise ConfigurationError(f"{path}: no such file")
        found = kubeconfig.connection(kubeconfig.load([path]))
        tls = _tls_of(found)
    except (kubeconfig.KubeconfigError, ssl.SSLError, OSError) as error:
        raise ConfigurationError(f"{path}: {error}") from error
    parts = urlsplit(found.server)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(f"{path}: not the URL of a server: {found.server!r}")
    secure = parts.scheme == "https"
    origin = Origin(
        host=parts.hostname,
        port=parts.port or (443 if secure else 80),
        tls=tls if secure else None,
        server_name=found.server_name,
    )
    headers = (("Authorization", f"Bearer {found.token}"),) if found.token else ()
    return Endpoint(origin, _target(parts.path, parts.query), headers)


def _tls_of(found: kubeconfig.Connection) -> ssl.SSLContext:
    if not found.cert:
        return client_context(ca=found.ca.decode(), verify=not found.insecure)
    # OpenSSL reads certificates of one's own from files only.
    with tempfile.TemporaryDirectory() as directory:
        cert, key = Path(directory, "cert"), Path(directory, "key")
        cert.write_bytes(found.cert)
        key.touch(mode=0o600)
        key.write_bytes(found.key)
        return client_context(ca=found.ca.decode(), certificate=cert, key=key, verify=not found.insecure)


def _target(path: str, query: str) -> str:
    return (path or "/") + (f"?{query}" if query else "")
