"""Logging: one line per event, `key=value` after the message.

Components take a child of the `wherry` logger by their room's name (`wherry.scheduler`); `wherry logs COMPONENT`
filters by it.
"""

from __future__ import annotations

import logging
import sys
import time
from typing import Any, TextIO


class LineFormatter(logging.Formatter):
    """`2026-01-02T03:04:05.678Z INFO  scheduler: message key=value`."""

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        name = record.name.removeprefix("wherry.")
        line = f"{moment}.{int(record.msecs):03d}Z {record.levelname:<7} {name}: {record.getMessage()}"
        fields: dict[str, Any] = getattr(record, "fields", {})
        for key, value in fields.items():
            line += f" {key}={value!r}" if isinstance(value, str) and " " in value else f" {key}={value}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def configure(*, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send everything of Wherry's to one stream (standard error unless told)."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(LineFormatter())
    root = logging.getLogger("wherry")
    root.handlers[:] = [handler]
    root.setLevel(level)
    root.propagate = False


class Logger:
    """`log.info("bound", pod="default/web")`: the message stays constant, what varies is a field."""

    __slots__ = ("_logger",)

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(f"wherry.{name}")

    def debug(self, message: str, **fields: Any) -> None:
        if self._logger.isEnabledFor(logging.DEBUG):
            self._logger.debug(message, extra={"fields": fields})

    def info(self, message: str, **fields: Any) -> None:
        self._logger.info(message, extra={"fields": fields})

    def warning(self, message: str, **fields: Any) -> None:
        self._logger.warning(message, extra={"fields": fields})

    def error(self, message: str, **fields: Any) -> None:
        self._logger.error(message, extra={"fields": fields})

    def exception(self, message: str, **fields: Any) -> None:
        self._logger.exception(message, extra={"fields": fields})
