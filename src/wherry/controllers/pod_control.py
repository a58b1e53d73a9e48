"""Creating and deleting pods for a controller, with the events that tell of it, in batches that grow."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from wherry.api.errors import NotFound, StatusError
from wherry.api.types import Object
from wherry.client.client import Client
from wherry.client.events import EventRecorder

T = TypeVar("T")

FIRST_BATCH = 1


def namespace_terminating(error: BaseException) -> bool:
    """Whether a creation failed only because the namespace is going away, which is no one's fault."""
    return isinstance(error, StatusError) and any(cause.reason == "NamespaceTerminating" for cause in error.causes)


async def slow_start(count: int, act: Callable[[int], Awaitable[None]]) -> tuple[int, Exception | None]:
    """Call `act` with 0, 1, ... in batches of 1, 2, 4, ...; stop after the first batch with a failure.

    So that a quota or a webhook that refuses everything is asked a few times, not `count` times. Gives how many
    succeeded and the first failure.
    """
    succeeded, begun, batch = 0, 0, FIRST_BATCH
    while begun < count:
        size = min(batch, count - begun)
        results = await asyncio.gather(*(act(begun + i) for i in range(size)), return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        succeeded += size - len(failures)
        begun += size
        batch *= 2
        if failures:
            return succeeded, _as_exception(failures[0])
    return succeeded, None


async def all_at_once(items: Sequence[T], act: Callable[[T], Awaitable[None]]) -> Exception | None:
    """Do something for every item at the same time; gives the first failure."""
    results = await asyncio.gather(*(act(item) for item in items), return_exceptions=True)
    return next((_as_exception(result) for result in results if isinstance(result, BaseException)), None)


def _as_exception(failure: BaseException) -> Exception:
    if isinstance(failure, Exception):
        return failure
    raise failure


class PodControl:
    """Pods of one controller; `recorder` tells of them on the owner."""

    def __init__(self, client: Client, recorder: EventRecorder) -> None:
        self._client = client
        self._recorder = recorder

    async def create(self, owner: Object, pod: Object) -> Object:
        """Raises the server's error, after the event FailedCreate."""
        try:
            created = await self._client.create("pods", pod)
        except StatusError as error:
            if not namespace_terminating(error):
                self._recorder.event(owner, "Warning", "FailedCreate", f"Error creating: {error}")
            raise
        self._recorder.event(owner, "Normal", "SuccessfulCreate", f"Created pod: {created['metadata']['name']}")
        return created

    async def delete(self, owner: Object, pod: Object) -> None:
        """Raises `NotFound` where it is gone already, and the server's other errors after the event FailedDelete."""
        metadata = pod["metadata"]
        try:
            await self._client.delete(
                "pods", metadata["name"], namespace=metadata["namespace"], uid=metadata.get("uid", "")
            )
        except NotFound:
            raise
        except StatusError as error:
            self._recorder.event(owner, "Warning", "FailedDelete", f"Error deleting: {error}")
            raise
        self._recorder.event(owner, "Normal", "SuccessfulDelete", f"Deleted pod: {metadata['name']}")
