"""Compaction by the clock.

Every interval, history is forgotten up to the revision of one interval ago, as kube-apiserver does with etcd every five
minutes (`--etcd-compaction-interval`): a list that is being paged, or a watch that comes back, has at least that
long. That history is never larger than its limit is seen to by the store itself (`HistoryLimit`), not by the clock.
"""

from __future__ import annotations

from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.store.port import Compacted, Store, StoreError

INTERVAL_SECONDS = 300.0


class Compactor:
    """A component: `run()` until cancelled."""

    def __init__(
        self, store: Store, *, clock: Clock, interval: float = INTERVAL_SECONDS, log: Logger | None = None
    ) -> None:
        self._store = store
        self._clock = clock
        self._interval = interval
        self._log = log or Logger("store")

    async def run(self) -> None:
        while True:
            revision = self._store.revision
            await self._clock.sleep(self._interval)
            if revision > self._store.compacted:
                await self._compact(revision)

    async def _compact(self, revision: int) -> None:
        try:
            await self._store.compact(revision)
        except Compacted:
            pass  # Somebody else has, or the history was at its limit.
        except StoreError as error:
            self._log.warning("compaction failed, trying again at the next interval", error=str(error))
        else:
            self._log.debug("compacted", revision=revision)
