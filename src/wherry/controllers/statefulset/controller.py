"""The stateful set loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wherry.api.errors import AlreadyExists, NotFound, StatusError
from wherry.api.resources import lookup
from wherry.api.types import Object
from wherry.client.informer import Key
from wherry.controllers import owners
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop, Retry
from wherry.controllers.history import STATEFUL_HASH_LABEL, Collision, History
from wherry.controllers.pod_control import all_at_once, namespace_terminating
from wherry.controllers.pod_events import PodEvents
from wherry.controllers.selection import by_selector, is_empty
from wherry.controllers.statefulset import identity, plan
from wherry.controllers.statefulset.plan import View

RESOURCE = lookup("statefulsets.apps")
CLAIMS = lookup("persistentvolumeclaims")


class StatefulSetController:
    """A component; see the package."""

    name = "statefulset"

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._clock = context.clock
        self._recorder = context.recorder("statefulset-controller")
        self._sets = context.informers.informer(RESOURCE)
        self._pods = context.informers.informer("pods")
        self._claims = context.informers.informer(CLAIMS)
        revisions = context.informers.informer("controllerrevisions.apps")
        self._history = History(context.client, revisions, RESOURCE, hash_label=STATEFUL_HASH_LABEL)
        self.loop = Loop(
            self.name,
            self._reconcile,
            clock=context.clock,
            needs=(self._sets, self._pods, self._claims, revisions),
            log=context.log,
            workers=context.config.workers_by_controller.get(self.name, context.config.workers),
        )
        self.loop.follow(self._sets)
        PodEvents(
            kind=RESOURCE.kind,
            workloads=self._sets,
            pods=self._pods,
            matches=lambda found, labels: by_selector(found["spec"].get("selector"))(labels),
            queue=self.loop.queue,
        )

    async def run(self) -> None:
        await self.loop.run()

    async def _reconcile(self, key: Key) -> None:
        statefulset = self._sets.get(*key)
        if statefulset is None or is_empty(statefulset["spec"].get("selector")):
            return
        found = await self._claim(statefulset)
        status = statefulset.get("status") or {}
        try:
            newest, old = await self._history.sync(statefulset, by_selector(statefulset["spec"]["selector"]))
        except Collision:
            await self._write_status(statefulset, {**status, "collisionCount": status.get("collisionCount", 0) + 1})
            return
        update = newest["metadata"]["name"]
        by_name = {revision["metadata"]["name"]: revision for revision in (newest, *old)}
        current = status.get("currentRevision") or update
        current = current if current in by_name else update
        view = View(statefulset, _by_ordinal(statefulset, found), current, update, self._clock.now())
        steps = plan.steps(view)
        failure = None
        if not statefulset["metadata"].get("deletionTimestamp"):
            failure = await self._act(view, steps, by_name)
        await self._write_status(statefulset, plan.next_status(view, found, status.get("collisionCount", 0)))
        if failure is not None:
            raise failure
        live = {current, update, *map(identity.revision_of, found)}
        await self._history.clean(old, live, statefulset["spec"].get("revisionHistoryLimit", 10))
        if steps.wait is not None:
            raise Retry(steps.wait)

    async def _claim(self, statefulset: Object) -> list[Object]:
        selector = statefulset["spec"]["selector"]
        claim = owners.Claim(
            client=self._client,
            owner=statefulset,
            owner_resource=RESOURCE,
            resource=lookup("pods"),
            matches=by_selector(selector),
        )
        found = owners.candidates(self._pods, statefulset, selector.get("matchLabels"))
        return await claim.all(
            pod
            for pod in found
            if owners.is_controlled_by(pod, statefulset)
            or identity.ordinal_of(pod["metadata"]["name"], statefulset) is not None
        )

    async def _act(self, view: View, steps: plan.Steps, revisions: Mapping[str, Object]) -> Exception | None:
        """Do the steps; gives the first failure."""
        await self._keep_claims(view)

        async def create(ordinal: int) -> None:
            await self._create(view, ordinal, revisions)

        async def delete(pod: Object) -> None:
            await self._delete(view.statefulset, pod)

        async def mend(pod: Object) -> None:
            await self._mend(view.statefulset, pod)

        async def claim(pod: Object) -> None:
            await self._create_claims(view.statefulset, pod["metadata"]["name"])

        return (
            await all_at_once(steps.claims, claim)
            or await all_at_once(steps.create, create)
            or await all_at_once([*steps.recreate, *steps.delete], delete)
            or await all_at_once(steps.mend, mend)
        )

    async def _create(self, view: View, ordinal: int, revisions: Mapping[str, Object]) -> None:
        statefulset = view.statefulset
        revision = plan.revision_for(view, ordinal)
        template = _template(statefulset, revisions[revision], view.update)
        reference = owners.controller_reference(statefulset, RESOURCE)
        pod = identity.pod_of(statefulset, template, reference, ordinal, revision)
        name, set_name = pod["metadata"]["name"], statefulset["metadata"]["name"]
        try:
            await self._create_claims(statefulset, name)
            await self._client.create("pods", pod)
        except AlreadyExists:
            return  # the informer will show it; a pod of somebody else keeps the name taken
        except StatusError as error:
            if namespace_terminating(error):
                return
            message = f"create Pod {name} in StatefulSet {set_name} failed error: {error}"
            self._recorder.event(statefulset, "Warning", "FailedCreate", message)
            raise
        message = f"create Pod {name} in StatefulSet {set_name} successful"
        self._recorder.event(statefulset, "Normal", "SuccessfulCreate", message)

    async def _create_claims(self, statefulset: Object, pod_name: str) -> None:
        for claim in identity.claims_of(statefulset, pod_name):
            metadata = claim["metadata"]
            current = self._claims.get(metadata["namespace"], metadata["name"])
            if current is not None:
                continue
            where = f"Claim {metadata['name']} Pod {pod_name} in StatefulSet {statefulset['metadata']['name']}"
            try:
                await self._client.create(CLAIMS, claim)
            except AlreadyExists:
                continue
            except StatusError as error:
                message = f"create {where} failed error: {error}"
                self._recorder.event(statefulset, "Warning", "FailedCreate", message)
                raise
            self._recorder.event(statefulset, "Normal", "SuccessfulCreate", f"create {where} success")

    async def _keep_claims(self, view: View) -> None:
        """Give claims the owners that the retention policy asks for, before any pod goes."""
        reference = owners.controller_reference(view.statefulset, RESOURCE)
        for ordinal, pod in view.pods.items():
            for wanted in identity.claims_of(view.statefulset, pod["metadata"]["name"]):
                metadata = wanted["metadata"]
                claim = self._claims.get(metadata["namespace"], metadata["name"])
                if claim is None:
                    continue
                references = identity.claim_owners(view.statefulset, reference, pod, claim, ordinal)
                if references != (claim["metadata"].get("ownerReferences") or []):
                    changed = {**claim["metadata"], "ownerReferences": references}
                    await self._client.update(CLAIMS, {**claim, "metadata": changed})

    async def _delete(self, statefulset: Object, pod: Object) -> None:
        metadata, set_name = pod["metadata"], statefulset["metadata"]["name"]
        try:
            await self._client.delete("pods", metadata["name"], namespace=metadata["namespace"], uid=metadata["uid"])
        except NotFound:
            return
        except StatusError as error:
            message = f"delete Pod {metadata['name']} in StatefulSet {set_name} failed error: {error}"
            self._recorder.event(statefulset, "Warning", "FailedDelete", message)
            raise
        message = f"delete Pod {metadata['name']} in StatefulSet {set_name} successful"
        self._recorder.event(statefulset, "Normal", "SuccessfulDelete", message)

    async def _mend(self, statefulset: Object, pod: Object) -> None:
        """Give a pod its identity labels back."""
        metadata, set_name = pod["metadata"], statefulset["metadata"]["name"]
        ordinal = identity.ordinal_of(metadata["name"], statefulset) or 0
        labels = identity.identity_labels(metadata["name"], ordinal)
        patch = {"metadata": {"uid": metadata["uid"], "labels": labels}}
        try:
            await self._client.patch("pods", metadata["name"], patch, namespace=metadata["namespace"])
        except StatusError as error:
            message = f"update Pod {metadata['name']} in StatefulSet {set_name} failed error: {error}"
            self._recorder.event(statefulset, "Warning", "FailedUpdate", message)
            raise
        message = f"update Pod {metadata['name']} in StatefulSet {set_name} successful"
        self._recorder.event(statefulset, "Normal", "SuccessfulUpdate", message)

    async def _write_status(self, statefulset: Object, status: Object) -> None:
        if status != statefulset.get("status"):
            await self._client.update(RESOURCE, {**statefulset, "status": status}, subresource="status")


def _by_ordinal(statefulset: Object, found: Sequence[Object]) -> dict[int, Object]:
    named = ((identity.ordinal_of(pod["metadata"]["name"], statefulset), pod) for pod in found)
    return {ordinal: pod for ordinal, pod in named if ordinal is not None}


def _template(statefulset: Object, revision: Object, update: str) -> Object:
    """The pod template of a revision."""
    if revision["metadata"]["name"] == update:
        return statefulset["spec"]["template"]
    kept: Object = revision["data"]["spec"]["template"]
    return {name: value for name, value in kept.items() if name != "$patch"}
