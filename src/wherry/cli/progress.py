"""Steps as they happen: a moving line on a terminal, one plain line per finished step in a pipe."""

from __future__ import annotations

import itertools
import sys
import threading
import time
from types import TracebackType

import click

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_TICK_SECONDS = 0.08


class Steps:
    """Prints each step with the seconds it took.

    `with Steps() as steps: steps.begin("Starting"); ...; steps.done("API server answers")`. Text goes to standard error,
    so that standard output stays for what a program reads.
    """

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._began = time.monotonic()
        self._step_began = self._began
        self._text = ""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Steps:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pause()

    @property
    def seconds(self) -> float:
        """Since the first step began."""
        return time.monotonic() - self._began

    def begin(self, text: str) -> None:
        """Say what is being waited for now."""
        self._pause()
        self._text, self._step_began = text, time.monotonic()
        if self._terminal:
            self._stop.clear()
            self._thread = threading.Thread(target=self._spin, daemon=True)
            self._thread.start()

    def update(self, text: str) -> None:
        """Change the moving line's text; nothing in a pipe."""
        self._text = text

    def done(self, text: str, seconds: float | None = None) -> None:
        """A step is finished."""
        self._pause()
        took = time.monotonic() - self._step_began if seconds is None else seconds
        self._step_began = time.monotonic()
        mark = click.style("✓", fg="green") if self._terminal else "-"
        click.echo(f" {mark} {text:<58} {took:6.2f} s", err=True)

    def failed(self, text: str) -> None:
        self._pause()
        mark = click.style("✗", fg="red") if self._terminal else "!"
        click.echo(f" {mark} {text}", err=True)

    def _pause(self) -> None:
        if self._thread is not None:
            self._stop.set()
            self._thread.join()
            self._thread = None
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()

    def _spin(self) -> None:
        for frame in itertools.cycle(_FRAMES):
            elapsed = time.monotonic() - self._step_began
            sys.stderr.write(f"\r\033[K {frame} {self._text} {elapsed:5.1f} s")
            sys.stderr.flush()
            if self._stop.wait(_TICK_SECONDS):
                return
