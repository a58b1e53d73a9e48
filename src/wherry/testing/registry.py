"""A registry on loopback, for tests: serves images of OCI layouts, can want a token, redirect, and break off."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class TestRegistry:
    """Repositories by name, each a layout; `requests` lists what was asked for."""

    __test__ = False

    def __init__(self) -> None:
        self.layouts: dict[str, Path] = {}
        self.requests: list[str] = []
        self.token = ""
        """Wanted for everything, if not empty."""
        self.basic = ""
        """`user:password`, wanted for a token, or for everything where no token is."""
        self.redirect_blobs = False
        self.break_off_after: int | None = None
        """Every blob request ends after that many bytes."""
        self.address = ""

    def manifest_entry(self, repository: str) -> dict[str, Any]:
        entry: dict[str, Any] = json.loads((self.layouts[repository] / "index.json").read_text())["manifests"][0]
        return entry

    def blob(self, repository: str, digest: str) -> bytes | None:
        path = self.layouts[repository] / "blobs" / "sha256" / digest.removeprefix("sha256:")
        return path.read_bytes() if path.exists() else None


@contextmanager
def running_registry() -> Iterator[TestRegistry]:
    """A registry that listens at `address` (host:port) while the block runs."""
    registry = TestRegistry()

    class Handler(_Handler):
        shared = registry

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    registry.address = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    shared: TestRegistry
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.shared.requests.append(f"{self.command} {self.path}")
        if self.shared.basic and (self.path.startswith("/token") or not self.shared.token):
            encoded = base64.b64encode(self.shared.basic.encode()).decode()
            if not self.path.startswith("/moved/") and self.headers.get("Authorization") != f"Basic {encoded}":
                self._reply(401, b"", {"WWW-Authenticate": 'Basic realm="test"'})
                return
        if self.path.startswith("/token"):
            self._reply(200, json.dumps({"token": self.shared.token}).encode())
            return
        moved = self.path.startswith("/moved/")
        if self.shared.token and not moved and self.headers.get("Authorization") != f"Bearer {self.shared.token}":
            realm = f'Bearer realm="http://{self.shared.address}/token",service="test"'
            self._reply(401, b"", {"WWW-Authenticate": realm})
            return
        if moved and "Authorization" in self.headers:
            self._reply(400, b"a token was sent to the wrong place")
            return
        self._content(self.path.removeprefix("/moved/").removeprefix("/v2/"))

    def _content(self, path: str) -> None:
        repository, _, rest = path.partition("/manifests/")
        if rest:
            self._manifest(repository, rest)
            return
        repository, _, digest = path.partition("/blobs/")
        if self.shared.redirect_blobs and not self.path.startswith("/moved/"):
            self._reply(307, b"", {"Location": f"http://{self.shared.address}/moved/{path}"})
            return
        data = self.shared.blob(repository, digest) if repository in self.shared.layouts else None
        self._blob(data) if data is not None else self._reply(404, b"")

    def _manifest(self, repository: str, reference: str) -> None:
        if repository not in self.shared.layouts:
            self._reply(404, b"")
            return
        entry = self.shared.manifest_entry(repository)
        digest = reference if reference.startswith("sha256:") else str(entry["digest"])
        kind = str(entry["mediaType"]) if digest == entry["digest"] else "application/vnd.oci.image.manifest.v1+json"
        data = self.shared.blob(repository, digest)
        headers = {"Content-Type": kind, "Docker-Content-Digest": digest}
        self._reply(200 if data is not None else 404, data or b"", headers)

    def _blob(self, data: bytes) -> None:
        start = int((self.headers.get("Range") or "bytes=0-")[6:].split("-")[0])
        rest = data[start:]
        limit = self.shared.break_off_after
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest if limit is None else rest[:limit])
        self.close_connection = limit is not None

    def _reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
