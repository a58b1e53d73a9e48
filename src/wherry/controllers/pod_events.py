"""From a changed pod to the workload that it concerns: its controller, or those that could adopt it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from wherry.api.types import Object
from wherry.client.informer import Informer, Key, key_of
from wherry.client.workqueue import WorkQueue
from wherry.controllers import owners, pods
from wherry.controllers.damping import pause
from wherry.controllers.expectations import Expectations


class PodEvents:
    """Listens to pods for one kind of workload: settles its expectations, and queues the keys to look at.

    What a workload waits for (the last pod that it expects, a pod lost) is queued at once; of other changes large ones
    gather some first.

    `matches(workload, labels)` says whether a workload's selector fits a pod's labels.
    """

    def __init__(
        self,
        *,
        kind: str,
        workloads: Informer,
        pods: Informer,
        matches: Callable[[Object, Mapping[str, str]], bool],
        queue: WorkQueue[Key],
        expectations: Expectations | None = None,
    ) -> None:
        self._kind = kind
        self._workloads = workloads
        self._matches = matches
        self._pods = pods
        self._queue = queue
        self._expectations = expectations
        pods.add_index("controller", owners.controller_index)
        pods.add_handler(self._added, self._changed, self._gone)

    def owner(self, pod: Object) -> Key | None:
        """The key of the workload that controls a pod, if it is of this kind and still there."""
        reference = owners.controller_of(pod)
        if reference is None or reference["kind"] != self._kind:
            return None
        found = self._workloads.get(pod["metadata"]["namespace"], reference["name"])
        return key_of(found) if found is not None and found["metadata"]["uid"] == reference["uid"] else None

    def _added(self, pod: Object) -> None:
        if pods.is_terminating(pod):
            self._gone(pod)
        elif (owner := self.owner(pod)) is not None:
            if self._expectations is not None:
                self._expectations.creation_seen(owner)
            self._tell(owner, pod)
        elif owners.controller_of(pod) is None:
            self._tell_matching(pod)

    def _changed(self, old: Object, new: Object) -> None:
        if pods.is_terminating(new):
            self._gone(new)
            return
        before, after = self.owner(old), self.owner(new)
        if before is not None and before != after:
            self._queue.add(before)
        if after is not None:
            self._queue.add_after(after, self._pause(new))
        elif owners.controller_of(new) is None and (
            old["metadata"].get("labels") != new["metadata"].get("labels") or owners.controller_of(old) is not None
        ):
            self._tell_matching(new)

    def _gone(self, pod: Object) -> None:
        """Deleted, or on its way: a pod that is being deleted no longer counts."""
        if (owner := self.owner(pod)) is not None:
            if self._expectations is not None:
                self._expectations.deletion_seen(owner, pod["metadata"]["uid"])
            self._tell(owner, pod)

    def _tell(self, owner: Key, pod: Object) -> None:
        if self._expectations is None or self._expectations.satisfied(owner):
            self._queue.add(owner)
        else:
            self._queue.add_after(owner, self._pause(pod))

    def _pause(self, pod: Object) -> float:
        (uid,) = owners.controller_index(pod)
        return pause(self._pods.count("controller", uid))

    def _tell_matching(self, pod: Object) -> None:
        labels = pod["metadata"].get("labels") or {}
        if not labels:
            return
        for workload in self._workloads.in_namespace(pod["metadata"]["namespace"]):
            if self._matches(workload, labels):
                self._queue.add(key_of(workload))
