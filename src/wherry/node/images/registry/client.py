"""One registry over HTTP, blocking: manifests and blobs; anonymous or with a login, by a token or by name and password.

Downloads go on where they broke off; every blob's digest is verified. Proxies come from the environment, as everywhere.
Source: the OCI distribution specification v1.1.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wherry import __version__
from wherry.node.images.registry.challenge import Challenge
from wherry.node.runtimes.port import Login

_ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
_MANIFEST_LIMIT = 8 << 20
_ATTEMPTS = 4
_LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})
_SERVERS = {"docker.io": "registry-1.docker.io"}
"""Names that are not the server's address."""


class RegistryError(Exception):
    """The registry answered, but not with what was asked for."""


class RegistryUnreachable(RegistryError):
    """No answer."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest or index as the registry has it."""

    data: bytes
    digest: str
    media_type: str


def _basic(login: Login) -> str:
    return "Basic " + base64.b64encode(f"{login.user}:{login.password}".encode()).decode()


class RegistryClient:
    """Reads one repository. Plain HTTP is used for this machine's own addresses only, as Docker does."""

    def __init__(
        self, domain: str, repository: str, *, login: Login | None = None, timeout_seconds: float = 20.0
    ) -> None:
        host = domain.rpartition(":")[0] if domain.rpartition(":")[2].isdigit() else domain
        local = host in _LOCAL
        self._scheme = "http" if local else "https"
        self._opener = urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if local else []))
        self._base = f"{self._scheme}://{_SERVERS.get(domain, domain)}/v2/{repository}"
        self._domain = domain
        self._repository = repository
        self._timeout = timeout_seconds
        self._authorization = ""
        self._basic = _basic(login) if login is not None else ""

    def digest_of(self, reference: str) -> str:
        """The digest of a tag's manifest, without fetching it; empty if the registry does not say."""
        with self._open(f"/manifests/{reference}", {"Accept": _ACCEPT}, method="HEAD") as response:
            return response.headers.get("Docker-Content-Digest") or ""

    def manifest(self, reference: str) -> Manifest:
        """By tag or digest. Raises `RegistryError`."""
        with self._open(f"/manifests/{reference}", {"Accept": _ACCEPT}) as response:
            data = self._read(response)
            media_type = (response.headers.get("Content-Type") or "").partition(";")[0].strip()
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if reference.startswith("sha256:") and reference != digest:
            raise RegistryError(f"the registry {self._domain} sent a manifest that is not {reference}")
        return Manifest(data, digest, media_type)

    def blob(self, digest: str, target: Path) -> None:
        """Fetch a blob into a file. Raises `RegistryError`; what was fetched stays for the next attempt."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._fetch(digest, target)
                break
            except (RegistryUnreachable, http.client.HTTPException, OSError) as error:
                if attempt == _ATTEMPTS:
                    raise RegistryUnreachable(
                        f"the download of {digest} from {self._domain} broke off: {error}"
                    ) from error
        with target.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if f"sha256:{found}" != digest:
            target.unlink()
            raise RegistryError(f"the registry {self._domain} sent a blob that is not {digest}")

    def _fetch(self, digest: str, target: Path) -> None:
        have = target.stat().st_size if target.exists() else 0
        headers = {"Range": f"bytes={have}-"} if have else {}
        with self._open(f"/blobs/{digest}", headers) as response, target.open("ab") as file:
            if have and response.status != 206:
                file.truncate(0)
            expected = response.headers.get("Content-Length")
            received = 0
            while chunk := response.read(1 << 20):
                file.write(chunk)
                received += len(chunk)
        if expected is not None and received < int(expected):
            raise OSError(f"{received} of {expected} bytes came")

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        data = response.read(_MANIFEST_LIMIT + 1)
        if len(data) > _MANIFEST_LIMIT:
            raise RegistryError(f"the registry {self._domain} sent a manifest that is too long")
        return data

    def _open(self, path: str, headers: Mapping[str, str], *, method: str = "GET") -> http.client.HTTPResponse:
        """A request to the repository; asks for a token once when the registry wants one."""
        try:
            return self._send(self._base + path, headers, method)
        except urllib.error.HTTPError as error:
            if error.code != 401:
                raise self._translated(error) from error
            challenge = Challenge.parse(error.headers.get("WWW-Authenticate") or "")
        url = challenge.token_url(self._repository)
        if url is None and not (self._basic and challenge.scheme == "basic"):
            raise RegistryError(
                f"pull access denied: {self._domain} wants credentials ({challenge.scheme or 'none named'})"
            )
        try:
            self._authorization = self._basic if url is None else f"Bearer {self._fetch_token(url)}"
            return self._send(self._base + path, headers, method)
        except urllib.error.HTTPError as error:
            raise self._translated(error) from error

    def _fetch_token(self, url: str) -> str:
        if not url.startswith(("https://", f"{self._scheme}://")):
            raise RegistryError(f"{self._domain} wants a token to be fetched without encryption")
        self._authorization = self._basic
        with self._send(url, {}, "GET") as response:
            document: Any = json.loads(self._read(response))
        return str(document.get("token") or document.get("access_token") or "")

    def _send(self, url: str, headers: Mapping[str, str], method: str) -> http.client.HTTPResponse:
        request = urllib.request.Request(url, headers={"User-Agent": f"wherry/{__version__}", **headers}, method=method)
        if self._authorization:  # not sent along where the registry redirects to
            request.add_unredirected_header("Authorization", self._authorization)
        try:
            response: http.client.HTTPResponse = self._opener.open(request, timeout=self._timeout)
        except urllib.error.HTTPError:
            raise
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise RegistryUnreachable(f"the registry {self._domain} cannot be reached: {reason}") from error
        return response

    def _translated(self, error: urllib.error.HTTPError) -> RegistryError:
        error.close()
        if error.code == 404:
            return RegistryError("not found")
        if error.code in (401, 403):
            return RegistryError("pull access denied, repository does not exist or may require authorization")
        if error.code == 429:
            return RegistryError(f"the registry {self._domain} allows no more pulls for now (429 Too Many Requests)")
        return RegistryError(f"the registry {self._domain} answered {error.code} {error.reason}")
