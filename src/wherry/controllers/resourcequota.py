"""The status of resource quotas: what is used, counted again from the objects that are there.

The API server adds what is created; here is found what has gone, and what was charged and never came to be. Source:
pkg/controller/resourcequota; there everything is counted again every five minutes as well, here after each change.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from wherry.api.errors import NotFound
from wherry.api.resources import Resource, lookup
from wherry.api.types import Object
from wherry.client.informer import Informer, Key
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop
from wherry.controllers.custom_informers import CustomInformers
from wherry.policy.quota import pods
from wherry.policy.quota.counting import resources_of, status_of
from wherry.policy.quota.usage import PODS

RESOURCE = lookup("resourcequotas")
_UNKNOWN_SECONDS = 30.0
_AFTER_CREATE_SECONDS = 1.0
"""What was just created is charged already; it is only counted to be sure."""
_SECONDS_PER_OBJECT = 1e-4
"""Where there is much to count, it is counted less often."""


class ResourceQuotaController:
    """A component; see the module."""

    name = "resourcequota"

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._clock = context.clock
        self._informers = context.informers
        self._quotas = context.informers.informer(RESOURCE)
        self._quotas.in_namespace("")
        self._counted: dict[str, Informer] = {}
        """By resource; only what some quota counts is followed."""
        self._custom = CustomInformers(context.client, context.log)
        self._last_count: dict[Key, int] = {}
        self.loop = Loop(
            self.name,
            self._reconcile,
            clock=context.clock,
            needs=(self._quotas,),
            log=context.log,
            workers=context.config.workers_by_controller.get(self.name, 2),
        )
        self._quotas.add_handler(self.loop.enqueue, self._quota_changed, self._quota_gone)

    async def run(self) -> None:
        try:
            await self.loop.run()
        finally:
            await self._custom.close()

    def _quota_changed(self, old: Object, new: Object) -> None:
        if old.get("spec") != new.get("spec") or (new.get("status") or {}).get("hard") != new["spec"].get("hard"):
            self.loop.enqueue(new)

    def _quota_gone(self, quota: Object) -> None:
        self._last_count.pop((quota["metadata"]["namespace"], quota["metadata"]["name"]), None)

    async def _reconcile(self, key: Key) -> None:
        quota = self._quotas.get(*key)
        if quota is None or quota["metadata"].get("deletionTimestamp"):
            return
        followed = await self._followed(quota)
        objects = {name: found.in_namespace(key[0]) for name, found in followed.items()}
        if resources_of(quota) - followed.keys():
            # A definition may come that makes the name mean something.
            self.loop.queue.add_after(key, _UNKNOWN_SECONDS)
        self._last_count[key] = sum(map(len, objects.values()))
        self._wake_for_overdue(key, objects.get(PODS, ()))
        # Once more: waiting for the first list of a resource may have taken a while.
        current = self._quotas.get(*key)
        if current is None:
            return
        status = status_of(current, objects, self._clock.now())
        if status != current.get("status"):
            try:
                await self._client.update(RESOURCE, {**current, "status": status}, subresource="status")
            except NotFound:
                return

    async def _followed(self, quota: Object) -> dict[str, Informer]:
        """The informers of what the quota counts, with their first lists. Resources that nobody serves count for nothing."""
        found: dict[str, Informer] = {}
        for name in sorted(resources_of(quota)):
            resource = _known(name)
            if resource is not None:
                informer = self._informers.informer(resource)
                await informer.wait_synced()
            elif (custom := await self._custom.find(name)) is not None:
                informer = custom
            else:
                continue
            found[name] = self._follow(name, informer)
        return found

    def _follow(self, name: str, informer: Informer) -> Informer:
        if self._counted.get(name) is not informer:
            self._counted[name] = informer
            changed = self._pod_changed if name == PODS else self._changed
            later = partial(self._enqueue_quotas, name, at_least=_AFTER_CREATE_SECONDS)
            informer.add_handler(later, partial(changed, name), partial(self._enqueue_quotas, name))
        return informer

    def _enqueue_quotas(self, name: str, obj: Object, *, at_least: float = 0.0) -> None:
        """Count again for the quotas of the object's namespace that count such objects."""
        for quota in self._quotas.in_namespace(obj["metadata"].get("namespace", "")):
            if name in resources_of(quota):
                key = (quota["metadata"]["namespace"], quota["metadata"]["name"])
                seconds = max(at_least, self._last_count.get(key, 0) * _SECONDS_PER_OBJECT)
                self.loop.queue.add_after(key, seconds)

    def _changed(self, name: str, old: Object, new: Object) -> None:
        if old.get("spec") != new.get("spec") or (name != "services" and old.get("status") != new.get("status")):
            self._enqueue_quotas(name, new)

    def _pod_changed(self, name: str, old: Object, new: Object) -> None:
        if not self._quotas.in_namespace(new["metadata"]["namespace"]):
            return
        now = self._clock.now()
        marked = new["metadata"].get("deletionTimestamp") and not old["metadata"].get("deletionTimestamp")
        deadlines = [pods.is_terminating(pod) for pod in (old, new)]
        if marked or deadlines[0] != deadlines[1] or pods.usage(old, now) != pods.usage(new, now):
            self._enqueue_quotas(name, new)

    def _wake_for_overdue(self, key: Key, found: Sequence[Object]) -> None:
        """Pods that hang while they are deleted stop being charged some day."""
        now = self._clock.now()
        moments = [moment for pod in found if (moment := pods.overdue(pod)) is not None and moment >= now]
        if moments:
            self.loop.queue.add_after(key, min(moments) - now + 1)


def _known(name: str) -> Resource | None:
    try:
        return lookup(name)
    except KeyError:
        return None
