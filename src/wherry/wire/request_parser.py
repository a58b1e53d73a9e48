"""Bytes to `Request`s: httptools' callbacks collected, and the limits that it does not know.

It decides nothing about answers. `feed` gives back what came of the bytes through `sink`, in order.
"""

from __future__ import annotations

import re
from typing import Protocol
from urllib.parse import unquote

import httptools

from wherry.wire.messages import Peer, Request
from wherry.wire.server_options import ServerOptions


class Sink(Protocol):
    """Who gets what the parser finds."""

    def on_request(self, request: Request, keep_alive: bool, http10: bool) -> None: ...

    def on_expect_continue(self) -> None: ...


class Rejected(Exception):
    """The request cannot be taken: the status that says why. Nothing after it on the connection can be understood."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


class UpgradeSeen(Exception):
    """A request that asks for an upgrade was complete; `rest` came behind it in the same bytes."""

    def __init__(self, request: Request, http10: bool, rest: bytes) -> None:
        super().__init__()
        self.request = request
        self.http10 = http10
        self.rest = rest


_UNKNOWN_METHOD = re.compile(
    rb"(?!(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE) )[!#$%&'*+.^_`|~0-9A-Za-z-]+ [!-~]+ HTTP/1\.[01]\r?\n"
)

_LONGEST_NUMBER = 18
"""Digits of a length; more of them, were they zeros, are nobody's honest answer."""
_READ_BYTES = 256 * 1024
"""What may come at once, with the end of the request before."""
_CHUNK_COST = 8
"""Bytes on the wire for each byte of a body that comes in the smallest of chunks."""

_lower_names: dict[bytes, str] = {}


def _lower_name(name: bytes) -> str:
    lowered = name.decode("latin-1").lower()
    if len(_lower_names) < 1000:
        _lower_names[name] = lowered
    return lowered


class RequestParser:
    """One connection's parser. After `Rejected` or `UpgradeSeen` it must not be fed again."""

    __slots__ = (
        "_body",
        "_head_size",
        "_headers",
        "_options",
        "_parser",
        "_raw_size",
        "_sink",
        "_target",
        "_upgrade",
        "body_size",
        "in_body",
        "in_message",
        "peer",
    )

    def __init__(self, sink: Sink, peer: Peer, options: ServerOptions) -> None:
        self._sink = sink
        self.peer = peer
        self._options = options
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._headers: dict[str, str] = {}
        self._head_size = 0
        self._body: list[bytes] = []
        self.body_size = 0
        self._raw_size = 0
        self._upgrade: tuple[Request, bool] | None = None
        self.in_message = False
        """A request has begun and is not complete."""
        self.in_body = False
        """Its headers are complete."""

    def feed(self, data: bytes) -> None:
        """Raises `Rejected` or `UpgradeSeen`."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self._upgrade is None:
                raise
            raise UpgradeSeen(*self._upgrade, data[upgrade.args[0] :]) from None
        except httptools.HttpParserCallbackError as failure:
            if isinstance(failure.__context__, Rejected):
                raise failure.__context__ from None
            raise
        except httptools.HttpParserInvalidMethodError as failure:
            # The parser knows a list of methods; any other word is a method all the same, only not one of ours.
            word = _UNKNOWN_METHOD.match(data) is not None
            why = "the server does not allow this method on the requested resource"
            raise Rejected(405 if word else 400, why if word else f"malformed HTTP request: {failure}") from None
        except httptools.HttpParserError as failure:
            raise Rejected(400, f"malformed HTTP request: {failure}") from None
        if self.in_message:
            self._check_unseen(len(data))

    def _check_unseen(self, size: int) -> None:
        """What the parser swallows without a callback: a header, a trailer or a chunk's extension that never ends."""
        if not self.in_body:
            self._head_size += size
            self._check_head()
        elif "transfer-encoding" in self._headers:
            self._raw_size += size
            if self._raw_size > self._options.head_limit + _READ_BYTES + _CHUNK_COST * self.body_size:
                raise Rejected(431, "request header fields too large")

    def _check_head(self) -> None:
        if self._head_size > self._options.head_limit:
            raise Rejected(431, "request header fields too large")

    def on_message_begin(self) -> None:
        self.in_message = True
        self.in_body = False
        self._target = b""
        self._headers = {}
        self._head_size = 0
        self._raw_size = 0
        if self.body_size:
            self._body = []
            self.body_size = 0

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.in_body:
            return  # a trailer
        key = _lower_names.get(name) or _lower_name(name)
        headers = self._headers
        if key in headers:
            if key == "host":
                raise Rejected(400, "too many Host headers")
            headers[key] = f"{headers[key]}, {value.decode('latin-1')}"
        else:
            headers[key] = value.decode("latin-1")
        self._head_size += len(name) + len(value)

    def on_headers_complete(self) -> None:
        self.in_body = True
        self._head_size += len(self._target)
        self._check_head()
        headers = self._headers
        version = self._parser.get_http_version()
        if version != "1.1":
            self._check_old(version)
        elif "host" not in headers:
            raise Rejected(400, "missing required Host header")
        if "content-length" in headers:
            self._check_length(headers["content-length"])
        elif "transfer-encoding" in headers and headers["transfer-encoding"].lower() != "chunked":
            raise Rejected(501, f"unsupported transfer encoding {headers['transfer-encoding']!r}")
        if "expect" in headers and headers["expect"].lower() == "100-continue":
            self._sink.on_expect_continue()

    def _check_old(self, version: str) -> None:
        if version != "1.0":
            raise Rejected(505, "unsupported protocol version")
        if "transfer-encoding" in self._headers:
            # What is in front of us may take the body for the next request.
            raise Rejected(400, "HTTP/1.0 has no transfer encodings")

    def _check_length(self, length: str) -> None:
        if len(length) > _LONGEST_NUMBER or int(length) > self._options.body_limit:
            raise Rejected(413, self._too_large())

    def _too_large(self) -> str:
        return f"request entity too large: limit is {self._options.body_limit}"

    def on_body(self, data: bytes) -> None:
        self.body_size += len(data)
        if self.body_size > self._options.body_limit:
            raise Rejected(413, self._too_large())
        self._body.append(data)

    def on_message_complete(self) -> None:
        self.in_message = False
        parser = self._parser
        method = parser.get_method().decode("latin-1")
        if method == "CONNECT":
            raise Rejected(405, "CONNECT is not supported")
        target = self._target.decode("latin-1")
        path, _, query = target.partition("?")
        if path[:1] != "/":
            path = _path_of_absolute(path)
        if "%" in path:
            path = unquote(path)
        headers = self._headers
        request = Request(
            method,
            target,
            path,
            query,
            headers,
            b"".join(self._body) if self.body_size else b"",
            self.peer,
        )
        http10 = parser.get_http_version() == "1.0"
        if "upgrade" in headers and parser.should_upgrade():
            self._upgrade = (request, http10)
        else:
            self._sink.on_request(request, parser.should_keep_alive(), http10)


def _path_of_absolute(target: str) -> str:
    """`http://host/path` to `/path` (RFC 9112, 3.2.2); `*` stays."""
    _, separator, rest = target.partition("://")
    if not separator:
        return target
    slash = rest.find("/")
    return rest[slash:] if slash >= 0 else "/"
