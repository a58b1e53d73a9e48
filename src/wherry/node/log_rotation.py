"""Container logs stay bounded: at 10 MB a log is set aside, and five files are kept, as upstream."""

from __future__ import annotations

import time
from pathlib import Path

from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.node.pod.observed import is_running
from wherry.node.runtimes.port import Runtime, RuntimeFailure

MAX_BYTES = 10 << 20
MAX_FILES = 5
LOOK_SECONDS = 10.0


class LogRotation:
    """A component."""

    def __init__(self, *, runtime: Runtime, clock: Clock, log: Logger, max_bytes: int = MAX_BYTES) -> None:
        self._runtime = runtime
        self._clock = clock
        self._log = log
        self._max_bytes = max_bytes

    async def run(self) -> None:
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            await self.rotate_all()

    async def rotate_all(self) -> None:
        for state in self._runtime.containers():
            if is_running(state) and state.log_path and _size(state.log_path) > self._max_bytes:
                try:
                    _set_aside(Path(state.log_path), self._clock.now())
                    await self._runtime.reopen_log(state.id)
                except (OSError, RuntimeFailure) as error:
                    self._log.warning("could not rotate a log", path=state.log_path, error=str(error))


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0


def _set_aside(path: Path, now: float) -> None:
    """Rename the log by the time, and drop the oldest."""
    path.rename(path.with_name(time.strftime(f"{path.name}.%Y%m%d-%H%M%S", time.gmtime(now))))
    rotated = sorted(path.parent.glob(f"{path.name}.*"))
    for old in rotated[: max(0, len(rotated) - (MAX_FILES - 1))]:
        old.unlink(missing_ok=True)
