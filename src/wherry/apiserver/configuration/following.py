"""A file that is read again when it changes, so that rotating a key or an issuer needs no restart.

A change that cannot be used is logged and the old state stays: a typing error must not lock everybody out.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from wherry.apiserver.configuration.problems import ConfigurationError
from wherry.apiserver.configuration.reading import read_file
from wherry.base.clock import Clock
from wherry.base.log import Logger

PERIOD_SECONDS = 10.0


class FollowedFile:
    """Gives the file's bytes to `load` whenever they are others than before; a component.

    `loaded` are the bytes that are in force already. `load` may raise `ConfigurationError`.
    """

    def __init__(self, path: Path, load: Callable[[bytes], None], *, loaded: bytes, clock: Clock, log: Logger) -> None:
        self._path = path
        self._load = load
        self._seen = loaded
        self._clock = clock
        self._log = log

    async def run(self) -> None:
        while True:
            await self._clock.sleep(PERIOD_SECONDS)
            self.look()

    def look(self) -> None:
        """Read the file now."""
        try:
            data = read_file(self._path)
            if data == self._seen:
                return
            self._seen = data
            self._load(data)
        except ConfigurationError as error:
            self._log.error("the changed configuration cannot be used, the old one stays", error=str(error))
        else:
            self._log.info("configuration read again", file=str(self._path))
