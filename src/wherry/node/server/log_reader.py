"""Reading a container's log file as it grows, through rotation, until the container has ended.

Files are read where they are, in pieces, without a thread: they are local, and the pieces are small.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import BinaryIO

from wherry.base.clock import Clock
from wherry.node.server.log_lines import LogLines, tail_start
from wherry.node.server.log_options import LogOptions

_PIECE = 64 * 1024
_POLL_SECONDS = 0.1


class LogReader:
    """`alive` says whether the container may still write."""

    def __init__(self, path: Path, options: LogOptions, *, alive: Callable[[], bool], clock: Clock) -> None:
        self._path = path
        self._options = options
        self._alive = alive
        self._clock = clock
        self._lines = LogLines(options)
        self._file: BinaryIO | None = None

    async def read(self) -> AsyncIterator[bytes]:
        """What to send, piece by piece, never empty. A log file that does not exist is an empty one."""
        try:
            if self._open() and self._options.tail_lines is not None:
                self._seek_tail(self._options.tail_lines)
            while not self._lines.exhausted:
                alive = self._options.follow and self._alive()  # asked before reading: its last words are not missed
                if data := self._read_piece():
                    if shown := self._lines.feed(data):
                        yield shown
                elif alive:
                    await self._clock.sleep(_POLL_SECONDS)
                else:
                    return
        finally:
            self._close()

    def _open(self) -> bool:
        if self._file is None:
            try:
                self._file = self._path.open("rb", buffering=0)
            except FileNotFoundError:
                return False
        return True

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _read_piece(self) -> bytes:
        if not self._open():
            return b""
        assert self._file is not None
        if data := self._file.read(_PIECE):
            return data
        return self._read_piece_after_rotation(self._file)

    def _read_piece_after_rotation(self, file: BinaryIO) -> bytes:
        """At the end of the file: go on with the one that has taken its name, or from the start of a shortened one."""
        try:
            named = self._path.stat()
        except FileNotFoundError:
            return b""  # just being rotated
        ours = os.fstat(file.fileno())
        if named.st_ino != ours.st_ino or named.st_dev != ours.st_dev:
            if data := file.read(_PIECE):
                return data  # written between our last read and the rotation
            self._close()
            self._lines.restart()
            return self._read_piece()
        if named.st_size < file.tell():
            file.seek(0)
            self._lines.restart()
            return file.read(_PIECE)
        return b""

    def _seek_tail(self, lines: int) -> None:
        assert self._file is not None
        size = os.fstat(self._file.fileno()).st_size
        length = _PIECE
        while True:
            begin = max(0, size - length)
            self._file.seek(begin)
            start = tail_start(self._file.read(size - begin), lines)
            if start is not None or begin == 0:
                self._file.seek(begin + (start or 0))
                return
            length *= 4
