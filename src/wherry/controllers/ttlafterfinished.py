"""Finished jobs with `ttlSecondsAfterFinished` go when that time has passed."""

from __future__ import annotations

from wherry.api.errors import NotFound
from wherry.api.resources import lookup
from wherry.api.types import Object
from wherry.base.times import parse_rfc3339
from wherry.client.informer import Key
from wherry.controllers import conditions
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop, Retry

JOBS = lookup("jobs.batch")


def expires_at(job: Object) -> float | None:
    """When a job is to be deleted, in seconds since 1970; None: never, or it still runs."""
    ttl = job["spec"].get("ttlSecondsAfterFinished")
    found = (job.get("status") or {}).get("conditions")
    for name in ("Complete", "Failed"):
        condition = conditions.find(found, name)
        if ttl is not None and condition is not None and condition.get("status") == "True":
            return parse_rfc3339(condition["lastTransitionTime"]) + ttl
    return None


class TTLAfterFinishedController:
    """A component; see the module."""

    name = "ttl-after-finished"

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._clock = context.clock
        self._jobs = context.informers.informer(JOBS)
        self.loop = Loop(
            self.name,
            self._reconcile,
            clock=context.clock,
            needs=(self._jobs,),
            log=context.log,
            workers=context.config.workers_by_controller.get(self.name, context.config.workers),
        )
        self._jobs.add_handler(self._seen, lambda old, new: self._seen(new))

    async def run(self) -> None:
        await self.loop.run()

    def _seen(self, job: Object) -> None:
        if expires_at(job) is not None and not job["metadata"].get("deletionTimestamp"):
            self.loop.enqueue(job)

    async def _reconcile(self, key: Key) -> None:
        if self._jobs.get(*key) is None:
            return
        try:
            # From the server itself: the time may have been changed a moment ago.
            job = await self._client.get(JOBS, key[1], namespace=key[0])
            expires = expires_at(job)
            if expires is None or job["metadata"].get("deletionTimestamp"):
                return
            if (wait := expires - self._clock.now()) > 0:
                raise Retry(wait)
            await self._client.delete(
                JOBS,
                key[1],
                namespace=key[0],
                propagation_policy="Foreground",
                uid=job["metadata"]["uid"],
                resource_version=job["metadata"]["resourceVersion"],
            )
        except NotFound:
            return
