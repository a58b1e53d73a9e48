"""The deployment loop: claims replica sets, then pauses, scales, rolls or recreates, and writes the status."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.api.errors import AlreadyExists, NotFound, StatusError
from wherry.api.resources import lookup
from wherry.api.types import Object
from wherry.client.informer import Key
from wherry.controllers import conditions, owners, pods
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop
from wherry.controllers.deployment import revisions, rolling, status
from wherry.controllers.deployment.template_hash import template_hash
from wherry.controllers.pod_control import namespace_terminating
from wherry.controllers.replicaset import replicas_of
from wherry.controllers.selection import by_selector, is_empty

RESOURCE = lookup("deployments.apps")
SETS = lookup("replicasets.apps")


class DeploymentController:
    """A component; see the package."""

    name = "deployment"

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._clock = context.clock
        self._recorder = context.recorder("deployment-controller")
        self._deployments = context.informers.informer(RESOURCE)
        self._sets = context.informers.informer(SETS)
        self._pods = context.informers.informer("pods")
        self._sets.add_index("controller", owners.controller_index)
        self._pods.add_index("controller", owners.controller_index)
        self.loop = Loop(
            self.name,
            self._reconcile,
            clock=context.clock,
            needs=(self._deployments, self._sets, self._pods),
            log=context.log,
            workers=context.config.workers_by_controller.get(self.name, context.config.workers),
        )
        self.loop.follow(self._deployments)
        self._sets.add_handler(self._set_seen, self._set_changed, self._set_gone)
        self._pods.add_handler(on_delete=self._pod_gone)

    async def run(self) -> None:
        await self.loop.run()

    def _owner(self, rs: Object) -> Object | None:
        reference = owners.controller_of(rs)
        if reference is None or reference["kind"] != "Deployment":
            return None
        found = self._deployments.get(rs["metadata"]["namespace"], reference["name"])
        return found if found is not None and found["metadata"]["uid"] == reference["uid"] else None

    def _set_seen(self, rs: Object) -> None:
        if (owner := self._owner(rs)) is not None:
            self.loop.enqueue(owner)
        elif owners.controller_of(rs) is None and not rs["metadata"].get("deletionTimestamp"):
            labels = rs["metadata"].get("labels") or {}
            for deployment in self._deployments.in_namespace(rs["metadata"]["namespace"]):
                if by_selector(deployment["spec"].get("selector"))(labels):
                    self.loop.enqueue(deployment)

    def _set_changed(self, old: Object, new: Object) -> None:
        if owners.controller_of(old) != owners.controller_of(new) and (owner := self._owner(old)) is not None:
            self.loop.enqueue(owner)
        self._set_seen(new)

    def _set_gone(self, rs: Object) -> None:
        if (owner := self._owner(rs)) is not None:
            self.loop.enqueue(owner)

    def _pod_gone(self, pod: Object) -> None:
        """A recreating deployment goes on when its last old pod is gone."""
        reference = owners.controller_of(pod)
        rs = self._sets.get(pod["metadata"]["namespace"], reference["name"]) if reference else None
        owner = self._owner(rs) if rs is not None else None
        if owner is not None and not rolling.is_rolling(owner):
            self.loop.enqueue(owner)

    async def _reconcile(self, key: Key) -> None:
        deployment = self._deployments.get(*key)
        if deployment is None:
            return
        if is_empty(deployment["spec"].get("selector")):
            await self._refuse(deployment)
            return
        sets = await self._claim(deployment)
        await _Step(self, deployment, sets).run()

    async def _refuse(self, deployment: Object) -> None:
        message = "This deployment is selecting all pods. A non-empty selector is required."
        self._recorder.event(deployment, "Warning", "SelectingAll", message)
        generation, found = deployment["metadata"].get("generation", 0), deployment.get("status") or {}
        if found.get("observedGeneration", 0) < generation:
            changed = {**deployment, "status": {**found, "observedGeneration": generation}}
            await self._client.update(RESOURCE, changed, subresource="status")

    async def _claim(self, deployment: Object) -> list[Object]:
        selector = deployment["spec"]["selector"]
        claim = owners.Claim(
            client=self._client,
            owner=deployment,
            owner_resource=RESOURCE,
            resource=SETS,
            matches=by_selector(selector),
        )
        return await claim.all(owners.candidates(self._sets, deployment, selector.get("matchLabels")))


class _Step:
    """One reconciliation of one deployment. `deployment` and `sets` follow what is written on the way."""

    def __init__(self, controller: DeploymentController, deployment: Object, sets: Sequence[Object]) -> None:
        self._client = controller._client
        self._recorder = controller._recorder
        self._pods = controller._pods
        self._loop = controller.loop
        self._now = controller._clock.now()
        self._stored_status = deployment.get("status") or {}
        self._deployment = deployment
        self._new = revisions.find_new(deployment, sets)
        self._old = [rs for rs in sets if self._new is None or rs["metadata"]["uid"] != self._new["metadata"]["uid"]]

    @property
    def _sets(self) -> list[Object]:
        return [*self._old, self._new] if self._new else list(self._old)

    async def run(self) -> None:
        if self._deployment["metadata"].get("deletionTimestamp"):
            await self._write_status(status.calculate(self._deployment, self._sets, self._new, self._now))
            return
        self._note_pause()
        await self._renew_new()
        paused = self._deployment["spec"].get("paused", False)
        if paused or rolling.is_scaling(self._deployment, self._sets):
            await self._resize(rolling.scaled_sizes(self._deployment, self._old, self._new))
            if paused:
                await self._clean()
            await self._write_status(status.calculate(self._deployment, self._sets, self._new, self._now))
        elif rolling.is_rolling(self._deployment):
            await self._roll()
        else:
            await self._recreate()

    def _note_pause(self) -> None:
        found = conditions.find(self._status.get("conditions"), "Progressing")
        reason = found.get("reason", "") if found else ""
        paused = self._deployment["spec"].get("paused", False)
        if not status.has_deadline(self._deployment) or reason == status.TIMED_OUT:
            return
        if paused and reason != "DeploymentPaused":
            self._set_progress("Unknown", "DeploymentPaused", "Deployment is paused")
        elif not paused and reason == "DeploymentPaused":
            self._set_progress("Unknown", "DeploymentResumed", "Deployment is resumed")

    @property
    def _status(self) -> Object:
        return self._deployment.get("status") or {}

    def _set_progress(self, value: bool | str, reason: str, message: str) -> None:
        """Change the condition in our copy; it is written with the status at the end of the step."""
        found = status.progressing(value, reason, message, self._now)
        self._deployment = {**self._deployment, "status": status.with_condition(self._status, found)}

    async def _renew_new(self) -> None:
        """Bring the new set's annotations and the deployment's revision up to date."""
        if self._new is None:
            return
        revision = revisions.latest_revision(self._old) + 1
        wanted = revisions.set_annotations(self._deployment, self._new, revision)
        min_ready = self._deployment["spec"].get("minReadySeconds", 0)
        if wanted != revisions.annotations_of(self._new) or min_ready != self._new["spec"].get("minReadySeconds", 0):
            changed = _with_annotations(self._new, wanted)
            changed["spec"] = {**changed["spec"], "minReadySeconds": min_ready}
            self._new = await self._client.update(SETS, changed)
        await self._set_revision(wanted[revisions.REVISION])
        if status.has_deadline(self._deployment) and not conditions.find(self._status.get("conditions"), "Progressing"):
            name = self._new["metadata"]["name"]
            self._set_progress(True, "FoundNewReplicaSet", f'Found new replica set "{name}"')

    async def _set_revision(self, revision: str) -> None:
        if revisions.annotations_of(self._deployment).get(revisions.REVISION) == revision:
            return
        metadata, unsaved = self._deployment["metadata"], self._deployment.get("status")
        patch = {"metadata": {"uid": metadata["uid"], "annotations": {revisions.REVISION: revision}}}
        fresh = await self._client.patch(RESOURCE, metadata["name"], patch, namespace=metadata["namespace"])
        if fresh["metadata"].get("generation") == metadata.get("generation"):
            self._deployment = {**fresh, "status": unsaved or {}}

    async def _roll(self) -> None:
        new = await self._ensure_new()
        if new is None:
            return
        size = rolling.new_size(self._deployment, self._sets, new)
        if size != replicas_of(new):
            await self._resize([(new, size)])
        elif steps := rolling.old_sizes(self._deployment, self._old, new):
            await self._resize(steps)
        elif status.is_complete(self._deployment, self._status):
            await self._clean()
        await self._finish()

    async def _recreate(self) -> None:
        if running := [(rs, 0) for rs in self._old if replicas_of(rs)]:
            await self._resize(running)
        elif not self._old_pods_run():
            new = await self._ensure_new()
            if new is None:
                return
            await self._resize([(new, replicas_of(self._deployment))])
            if status.is_complete(self._deployment, self._status):
                await self._clean()
        await self._finish()

    def _old_pods_run(self) -> bool:
        """Whether any pod of an old set has not ended yet, being deleted or not."""
        found = (pod for rs in self._old for pod in self._pods.by_index("controller", rs["metadata"]["uid"]))
        return rolling.counted(self._old) > 0 or any(not pods.is_finished(pod) for pod in found)

    async def _ensure_new(self) -> Object | None:
        """The new set, made where there is none. None after a hash collision: the next step uses another hash."""
        if self._new is None:
            self._new = await self._create_new()
        return self._new

    async def _create_new(self) -> Object | None:
        deployment = self._deployment
        hash_ = template_hash(deployment["spec"]["template"], self._status.get("collisionCount") or 0)
        reference = owners.controller_reference(deployment, RESOURCE)
        revision = revisions.latest_revision(self._old) + 1
        rs = revisions.new_set(deployment, reference, hash_, revision, rolling.max_surge(deployment))
        size = rolling.new_size(deployment, [*self._old, rs], rs)
        rs["spec"]["replicas"] = size
        name = rs["metadata"]["name"]
        try:
            made = await self._client.create(SETS, rs)
        except AlreadyExists:
            made = await self._client.get(SETS, name, namespace=rs["metadata"]["namespace"])
            if not revisions.is_copy(made, deployment):
                await self._note_collision()
                return None
        except StatusError as error:
            await self._note_failed_creation(name, error)
            raise
        else:
            if size > 0:
                self._scaled(name, 0, size)
            if status.has_deadline(deployment):
                self._set_progress(True, "NewReplicaSetCreated", f'Created new replica set "{name}"')
        await self._set_revision(str(revision))
        return made

    async def _note_collision(self) -> None:
        count = (self._status.get("collisionCount") or 0) + 1
        await self._write_status({**self._status, "collisionCount": count})

    async def _note_failed_creation(self, name: str, error: StatusError) -> None:
        if namespace_terminating(error):
            return
        message = f'Failed to create new replica set "{name}": {error}'
        if status.has_deadline(self._deployment):
            self._set_progress(False, "ReplicaSetCreateError", message)
            await self._write_status(self._status)
        self._recorder.event(self._deployment, "Warning", "ReplicaSetCreateError", message)

    async def _resize(self, sizes: Sequence[tuple[Object, int]]) -> None:
        """Give sets their sizes, and note the deployment's size on them."""
        noted = revisions.size_annotations(self._deployment, rolling.max_surge(self._deployment))
        for rs, size in sizes:
            before, found = replicas_of(rs), revisions.annotations_of(rs)
            if before == size and noted.items() <= found.items():
                continue
            changed = _with_annotations(rs, {**found, **noted})
            changed["spec"] = {**changed["spec"], "replicas": size}
            self._replace(await self._client.update(SETS, changed))
            if before != size:
                self._scaled(rs["metadata"]["name"], before, size)

    def _replace(self, rs: Object) -> None:
        uid = rs["metadata"]["uid"]
        if self._new is not None and self._new["metadata"]["uid"] == uid:
            self._new = rs
        self._old = [rs if each["metadata"]["uid"] == uid else each for each in self._old]

    def _scaled(self, name: str, before: int, after: int) -> None:
        direction = "up" if after > before else "down"
        message = f"Scaled {direction} replica set {name} from {before} to {after}"
        self._recorder.event(self._deployment, "Normal", "ScalingReplicaSet", message)

    async def _clean(self) -> None:
        for rs in revisions.to_clean(self._deployment, self._old):
            metadata = rs["metadata"]
            try:
                await self._client.delete(
                    SETS, metadata["name"], namespace=metadata["namespace"], propagation_policy="Background"
                )
            except NotFound:
                continue

    async def _finish(self) -> None:
        found = status.rollout(self._deployment, self._sets, self._new, self._now)
        if not await self._write_status(found):
            wait = status.stuck_check_in(self._deployment, found, self._now)
            if wait is not None:
                metadata = self._deployment["metadata"]
                self._loop.queue.add_after((metadata["namespace"], metadata["name"]), wait)

    async def _write_status(self, new: Object) -> bool:
        """Write the status if it differs from the stored one; tells whether it did."""
        if new == self._stored_status:
            return False
        await self._client.update(RESOURCE, {**self._deployment, "status": new}, subresource="status")
        return True


def _with_annotations(obj: Object, annotations: dict[str, str]) -> Object:
    return {**obj, "metadata": {**obj["metadata"], "annotations": annotations}}
