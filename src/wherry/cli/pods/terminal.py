"""This process's standard input and terminal, for a command that runs elsewhere."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager


class Input:
    """Standard input, read in a thread: an event loop cannot wait for files. The thread does not keep the process."""

    def __init__(self, descriptor: int = 0) -> None:
        self._descriptor = descriptor
        self._loop = asyncio.get_running_loop()
        self._wanted = threading.Semaphore(0)
        self._pieces: asyncio.Queue[bytes] = asyncio.Queue()
        threading.Thread(target=self._pump, daemon=True).start()

    async def read(self) -> bytes:
        """The next piece; empty at the end. Nothing is read ahead."""
        self._wanted.release()
        return await self._pieces.get()

    def _pump(self) -> None:
        data = b"-"
        while data:
            self._wanted.acquire()
            try:
                data = os.read(self._descriptor, 32768)
            except OSError:
                data = b""
            try:
                self._loop.call_soon_threadsafe(self._pieces.put_nowait, data)
            except RuntimeError:
                return  # the loop has ended


class Terminal:
    """The terminal that standard input and output are."""

    @staticmethod
    def present() -> bool:
        return sys.stdin.isatty()

    @contextmanager
    def raw(self) -> Iterator[None]:
        """Every key goes to the command, Ctrl-C too; the terminal's settings come back afterwards."""
        import termios
        import tty

        before = termios.tcgetattr(0)
        try:
            tty.setraw(0, termios.TCSANOW)  # the usual way would drop what was typed ahead
            yield
        finally:
            termios.tcsetattr(0, termios.TCSADRAIN, before)

    async def sizes(self) -> AsyncIterator[tuple[int, int]]:
        """Width and height, now and whenever they change."""
        loop, changed = asyncio.get_running_loop(), asyncio.Event()
        loop.add_signal_handler(signal.SIGWINCH, changed.set)
        try:
            while True:
                size = os.get_terminal_size(0)
                yield size.columns, size.lines
                changed.clear()
                await changed.wait()
        finally:
            loop.remove_signal_handler(signal.SIGWINCH)
