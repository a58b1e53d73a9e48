"""URLs. Source: k8s.io/apiserver/pkg/cel/library/urls.go; Go's `url.ParseRequestURI`."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from wherry.machinery.cel.functions import Library, library
from wherry.machinery.cel.types import BOOL, STRING, Type, list_of, map_of, opaque
from wherry.machinery.cel.values import EvaluationError, Opaque

URL_TYPE: Type = opaque("kubernetes.URL")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})(.{0,2})")
_PORT = re.compile(r"(?::[0-9]*)?")


class Url(Opaque):
    """A parsed URL."""

    __slots__ = ("parts",)
    cel_type = URL_TYPE

    def __init__(self, parts: SplitResult) -> None:
        self.parts = parts

    def same(self, other: Any) -> bool:
        return isinstance(other, Url) and self.parts == other.parts


def parse_url(text: str) -> SplitResult:
    """An absolute URL, or an absolute path. Raises `ValueError` with Go's message."""
    why = _wrong(text)
    if why:
        raise ValueError(f'parse "{text}": {why}')
    try:
        return urlsplit(text.partition("#")[0] if "#" in text else text, allow_fragments=False)
    except ValueError as error:
        raise ValueError(f'parse "{text}": {error}') from error


def _wrong(text: str) -> str:
    if not text:
        return "empty url"
    if any(char < " " or char == "\x7f" for char in text):
        return "net/url: invalid control character in URL"
    if not _SCHEME.match(text):
        if text.startswith(":"):
            return "missing protocol scheme"
        if not text.startswith("/"):
            return "invalid URI for request"
    if bad := _BAD_ESCAPE.search(text):
        return f'invalid URL escape "%{bad[1]}"'
    rest = text.partition(":")[2] if _SCHEME.match(text) else text
    if not rest.startswith("/"):
        return "invalid URI for request"
    host = rest[2:].split("/")[0].split("?")[0].rpartition("@")[2] if rest.startswith("//") else ""
    if " " in host:
        return 'invalid character " " in host name'
    port = host.rpartition("]")[2] if "]" in host else host[host.find(":") :] if ":" in host else ""
    return "" if _PORT.fullmatch(port) else f'invalid port "{port}" after host'


def _url(text: str) -> Url:
    try:
        return Url(parse_url(text))
    except ValueError as error:
        raise EvaluationError(f"URL parse error during conversion from string: {error}") from error


def _is_url(text: str) -> bool:
    try:
        parse_url(text)
    except ValueError:
        return False
    return True


def _host(url: Url) -> str:
    return url.parts.netloc.rpartition("@")[2]


def _hostname(url: Url) -> str:
    host = _host(url)
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _port(url: Url) -> str:
    host = _host(url)
    return host.rpartition("]")[2].partition(":")[2] if "]" in host else host.partition(":")[2]


def _path(url: Url) -> str:
    return quote(unquote(url.parts.path), safe="/$&+,:;=@!'()*~-._")


def _query(url: Url) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, value in parse_qsl(url.parts.query, keep_blank_values=True):
        found.setdefault(key, []).append(value)
    return found


LIBRARY: Library = library(
    globals_=[
        ("url", "string_to_url", (STRING,), URL_TYPE, _url),
        ("isURL", "is_url_string", (STRING,), BOOL, _is_url),
    ],
    members=[
        ("getScheme", "url_get_scheme", (URL_TYPE,), STRING, lambda url: url.parts.scheme),
        ("getHost", "url_get_host", (URL_TYPE,), STRING, _host),
        ("getHostname", "url_get_hostname", (URL_TYPE,), STRING, _hostname),
        ("getPort", "url_get_port", (URL_TYPE,), STRING, _port),
        ("getEscapedPath", "url_get_escaped_path", (URL_TYPE,), STRING, _path),
        ("getQuery", "url_get_query", (URL_TYPE,), map_of(STRING, list_of(STRING)), _query),
    ],
    types={"kubernetes.URL": URL_TYPE},
)
