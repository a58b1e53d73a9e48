"""The logs of several containers, one after another, or side by side while they are followed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from wherry.api.errors import StatusError
from wherry.api.types import Object
from wherry.cli.errors import Failures, Refused
from wherry.cli.pods import containers
from wherry.client.client import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """`tail` None: everything."""

    container: str = ""
    all_containers: bool = False
    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    since_seconds: int | None = None
    since_time: str = ""
    tail: int | None = None
    limit_bytes: int | None = None
    prefix: bool = False
    ignore_errors: bool = False
    max_requests: int = 5

    def query(self, container: str) -> str:
        fields: dict[str, Any] = {
            "container": container,
            "follow": "true" if self.follow else None,
            "previous": "true" if self.previous else None,
            "timestamps": "true" if self.timestamps else None,
            "sinceSeconds": self.since_seconds,
            "sinceTime": self.since_time or None,
            "tailLines": self.tail,
            "limitBytes": self.limit_bytes,
        }
        return urlencode({key: value for key, value in fields.items() if value is not None})


@dataclass(frozen=True, slots=True)
class LogSource:
    """One container's log."""

    namespace: str
    pod: str
    container: str

    @property
    def prefix(self) -> bytes:
        return f"[pod/{self.pod}/{self.container}] ".encode()


def sources(pods: Sequence[Object], options: LogOptions) -> list[LogSource]:
    """The logs that are meant. Raises `Refused`."""
    found = []
    for pod in pods:
        names = (
            containers.names(pod)
            if options.all_containers
            else [containers.choose(pod, options.container, quiet=len(pods) > 1)]
        )
        found += [LogSource(pod["metadata"]["namespace"], pod["metadata"]["name"], name) for name in names]
    return found


async def show(client: Client, wanted: Sequence[LogSource], options: LogOptions) -> None:
    """Print them. Raises `StatusError`, or with `ignore_errors` goes on and exits with 1 at the end."""
    failures = Failures()

    async def one(source: LogSource) -> None:
        try:
            await _copy(client, source, options)
        except (StatusError, ConnectionError) as error:
            if not options.ignore_errors:
                raise
            failures.add(error)

    if options.follow and len(wanted) > 1:
        if len(wanted) > options.max_requests:
            raise Refused(
                f"you are attempting to follow {len(wanted)} log streams, but maximum allowed concurrency is "
                f"{options.max_requests}, use --max-log-requests to increase the limit"
            )
        await asyncio.gather(*(one(source) for source in wanted))
    else:
        for source in wanted:
            await one(source)
    failures.finish()


async def _copy(client: Client, source: LogSource, options: LogOptions) -> None:
    path = f"/api/v1/namespaces/{source.namespace}/pods/{source.pod}/log?{options.query(source.container)}"
    answer = await client.stream("GET", path)
    lead = source.prefix if options.prefix else b""
    whole_lines = bool(lead) or options.follow
    rest = b""
    try:
        async for piece in answer:
            if not whole_lines:
                _write(piece)
                continue
            *lines, rest = (rest + piece).split(b"\n")
            if lines:
                _write(b"".join(lead + line + b"\n" for line in lines))
    finally:
        await answer.aclose()
    if rest:
        _write(lead + rest + (b"\n" if lead else b""))


def _write(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
