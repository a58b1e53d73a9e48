"""Calling an API server over HTTPS (or HTTP), with a client certificate, a token or a password."""

from __future__ import annotations

import base64
import os
import ssl
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from wherry.base.clock import Clock
from wherry.client.answers import error_of
from wherry.client.kubeconfig import Connection
from wherry.client.transport import StreamedAnswer, WebSocket
from wherry.wire.client import HttpClient
from wherry.wire.dial import Dial, Origin
from wherry.wire.errors import ProtocolError, UpgradeRefused
from wherry.wire.messages import Response
from wherry.wire.tls import client_context


class HttpTransport:
    """A `Transport` to one server. `server` is its URL, which may have a path in front of the API.

    `ca` is a file or PEM text (empty: the machine's trust store); `cert` and `key` are files. `dial` opens connections in
    place of connecting to the URL's host. Raises `ValueError` for a URL that is none, `OSError` where a file is missing.
    """

    def __init__(
        self,
        server: str,
        *,
        ca: Path | str = "",
        cert: Path | None = None,
        key: Path | None = None,
        token: str = "",
        username: str = "",
        password: str = "",
        insecure: bool = False,
        server_name: str = "",
        dial: Dial | None = None,
        tls: ssl.SSLContext | None = None,
        clock: Clock | None = None,
    ) -> None:
        url = urlsplit(server)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ValueError(f"not the URL of an API server: {server!r}")
        if url.scheme == "https" and tls is None:
            tls = client_context(ca=ca, certificate=cert, key=key, verify=not insecure)
        self._origin = Origin(
            host=url.hostname,
            port=url.port or (443 if url.scheme == "https" else 80),
            tls=tls if url.scheme == "https" else None,
            server_name=server_name,
            dial=dial,
        )
        self._prefix = url.path.rstrip("/")
        self._headers = _authorization(token, username, password)
        self._http = HttpClient(clock=clock)

    @classmethod
    def of(cls, connection: Connection, *, clock: Clock | None = None) -> HttpTransport:
        """The transport that a kubeconfig's context describes."""
        with _as_files(connection.cert, connection.key) as (cert, key):
            return cls(
                connection.server,
                ca=connection.ca.decode(),
                cert=cert,
                key=key,
                token=connection.token,
                username=connection.username,
                password=connection.password,
                insecure=connection.insecure,
                server_name=connection.server_name,
                clock=clock,
            )

    def _all(self, headers: Mapping[str, str]) -> list[tuple[str, str]]:
        return [*self._headers, *headers.items()]

    async def request(self, method: str, target: str, *, headers: Mapping[str, str], body: bytes = b"") -> Response:
        with _translated():
            return await self._http.request(
                self._origin, method, self._prefix + target, headers=self._all(headers), body=body
            )

    async def open_stream(self, method: str, target: str, *, headers: Mapping[str, str]) -> StreamedAnswer:
        with _translated():
            return await self._http.stream(self._origin, method, self._prefix + target, headers=self._all(headers))

    async def open_websocket(
        self, target: str, *, headers: Mapping[str, str], subprotocols: Sequence[str]
    ) -> WebSocket:
        from wherry.wire.websocket_handshake import connect_websocket

        try:
            with _translated():
                return await connect_websocket(
                    self._http,
                    self._origin,
                    self._prefix + target,
                    headers=self._all(headers),
                    subprotocols=subprotocols,
                )
        except UpgradeRefused as refused:
            raise error_of(refused.status, refused.body) from refused

    async def aclose(self) -> None:
        await self._http.aclose()


@contextmanager
def _translated() -> Iterator[None]:
    """A peer that does not speak HTTP is as good as out of reach."""
    try:
        yield
    except ProtocolError as error:
        raise ConnectionError(str(error)) from error


def _authorization(token: str, username: str, password: str) -> list[tuple[str, str]]:
    if token:
        return [("authorization", f"Bearer {token}")]
    if username:
        encoded = base64.b64encode(f"{username}:{password}".encode()).decode()
        return [("authorization", f"Basic {encoded}")]
    return []


@contextmanager
def _as_files(cert: bytes, key: bytes) -> Iterator[tuple[Path | None, Path | None]]:
    """Certificate and key as files for as long as OpenSSL, which reads only files, needs them."""
    if not cert:
        yield None, None
        return
    with tempfile.TemporaryDirectory(prefix="wherry-") as directory:
        paths = (Path(directory) / "cert.pem", Path(directory) / "key.pem")
        for path, data in zip(paths, (cert, key), strict=True):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
        yield paths
