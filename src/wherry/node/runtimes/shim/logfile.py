"""The container's log file in CRI format: `<RFC3339Nano> stdout|stderr F|P <text>`.

A line longer than 16 KiB comes as several records with tag P and a last one with F. What has no newline yet waits for it;
the end of the stream ends the line. Source: the CRI logging design of Kubernetes (KEP-less, "CRI: Log management").
"""

from __future__ import annotations

import os
import time

MAX_RECORD = 16384


def split_records(pending: bytes, chunk: bytes, limit: int = MAX_RECORD) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Records of (tag, text) that are complete with `chunk`, and what still waits for its newline."""
    lines = (pending + chunk).split(b"\n")
    rest = lines.pop()
    records: list[tuple[bytes, bytes]] = []
    for line in lines:
        while len(line) > limit:
            records.append((b"P", line[:limit]))
            line = line[limit:]
        records.append((b"F", line))
    while len(rest) > limit:
        records.append((b"P", rest[:limit]))
        rest = rest[limit:]
    return records, rest


def timestamp(nanoseconds: int) -> bytes:
    """`2026-01-02T03:04:05.678901234Z`."""
    seconds, fraction = divmod(nanoseconds, 1_000_000_000)
    return b"%s.%09dZ" % (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)).encode(), fraction)


class LogFile:
    """Appends to the log. Errors of the disk lose lines, never the container."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor = -1
        self._pending = {b"stdout": b"", b"stderr": b""}
        self.reopen()

    def reopen(self) -> None:
        """Go on in a new file at the same path, after the old one was renamed."""
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError:
            return
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = descriptor

    def write(self, stream: bytes, chunk: bytes) -> None:
        records, self._pending[stream] = split_records(self._pending[stream], chunk)
        self._append(stream, records)

    def finish(self) -> None:
        """The streams have ended: write what had no newline."""
        for stream, rest in self._pending.items():
            if rest:
                self._append(stream, [(b"F", rest)])
                self._pending[stream] = b""

    def _append(self, stream: bytes, records: list[tuple[bytes, bytes]]) -> None:
        if not records or self._descriptor < 0:
            return
        head = timestamp(time.time_ns()) + b" " + stream + b" "
        data = b"".join([head + tag + b" " + text + b"\n" for tag, text in records])
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError:
            pass
