"""The audit log as a file: an event per line, a new file when it is full, old ones removed.

Lines are written at the end of the event loop's round in which they came, all in one call: nothing waits longer than
that to be out of this process, and many requests cost one write. Source: gopkg.in/natefinch/lumberjack.v2 (the names).
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import orjson

from wherry.api.types import Object
from wherry.apiserver.audit.options import Rotation
from wherry.apiserver.configuration.problems import ConfigurationError
from wherry.base.clock import Clock
from wherry.base.log import Logger

_DAY = 86400.0


class LogFile:
    """Raises `ConfigurationError` where the file cannot be opened. What cannot be written later is logged, and lost."""

    def __init__(self, path: Path, *, rotation: Rotation, clock: Clock, log: Logger) -> None:
        self._path = path
        self._rotation = rotation
        self._clock = clock
        self._log = log
        self._lines: list[bytes] = []
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._open()
        except OSError as error:
            raise ConfigurationError(f"{path}: the audit log cannot be opened: {error.strerror or error}") from error

    def _open(self) -> None:
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._size = os.fstat(self._descriptor).st_size

    def emit(self, event: Object) -> None:
        if not self._lines:
            asyncio.get_running_loop().call_soon(self.flush)
        self._lines.append(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE))

    def flush(self) -> None:
        """Write what has come."""
        lines, self._lines = self._lines, []
        try:
            for chunk in self._chunks(lines):
                self._size += len(chunk)
                while chunk:
                    chunk = chunk[os.write(self._descriptor, chunk) :]
        except OSError as error:
            self._log.error("audit events are lost", file=str(self._path), error=str(error), events=len(lines))

    def _chunks(self, lines: Sequence[bytes]) -> list[bytes]:
        """All in one while there is room; a full file is put aside first."""
        limit = self._rotation.megabytes * 1024 * 1024
        joined = b"".join(lines)
        if joined and self._size and self._size + len(joined) > limit:
            self._rotate()
        return [joined] if joined else []

    def _rotate(self) -> None:
        os.close(self._descriptor)
        moment = datetime.fromtimestamp(self._clock.now(), UTC)
        stamp = f"{moment:%Y-%m-%dT%H-%M-%S}.{moment.microsecond // 1000:03d}"
        target = self._path.with_name(f"{self._path.stem}-{stamp}{self._path.suffix}")
        number = 0
        while target.exists():
            number += 1
            target = self._path.with_name(f"{self._path.stem}-{stamp}-{number}{self._path.suffix}")
        self._path.rename(target)
        self._open()
        self._remove_old()

    def _remove_old(self) -> None:
        pattern = re.compile(re.escape(self._path.stem) + r"-\d{4}-\d\d-\d\dT[\d.-]+" + re.escape(self._path.suffix))
        old = sorted((each for each in self._path.parent.iterdir() if pattern.fullmatch(each.name)), reverse=True)
        keep, days = self._rotation.backups, self._rotation.days
        for index, each in enumerate(old):
            if (keep and index >= keep) or (days and self._clock.now() - each.stat().st_mtime > days * _DAY):
                each.unlink(missing_ok=True)

    def close(self) -> None:
        if self._descriptor >= 0:
            self.flush()
            os.close(self._descriptor)
            self._descriptor = -1
