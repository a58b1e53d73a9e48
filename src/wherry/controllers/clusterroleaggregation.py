"""ClusterRoles with an `aggregationRule` hold the rules of the roles that it selects."""

from __future__ import annotations

from wherry.api.resources import lookup
from wherry.api.types import Object
from wherry.client.informer import Key
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop
from wherry.policy.aggregation import aggregated_rules

RESOURCE = lookup("clusterroles.rbac.authorization.k8s.io")


class ClusterRoleAggregationController:
    """A component; see the module."""

    name = "clusterrole-aggregation"

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._roles = context.informers.informer(RESOURCE)
        self.loop = Loop(
            self.name,
            self._reconcile,
            clock=context.clock,
            needs=(self._roles,),
            log=context.log,
            workers=context.config.workers_by_controller.get(self.name, 1),
        )
        self._roles.add_handler(self._changed, self._updated, self._changed)

    async def run(self) -> None:
        await self.loop.run()

    def _updated(self, old: Object, new: Object) -> None:
        labels = old["metadata"].get("labels") != new["metadata"].get("labels")
        if labels or old.get("rules") != new.get("rules") or old.get("aggregationRule") != new.get("aggregationRule"):
            self._changed(new)

    def _changed(self, _: Object) -> None:
        """Any role can be part of any aggregated one."""
        for role in self._roles.items():
            if role.get("aggregationRule"):
                self.loop.enqueue(role)

    async def _reconcile(self, key: Key) -> None:
        role = self._roles.get(*key)
        if role is None or not role.get("aggregationRule"):
            return
        rules = aggregated_rules(role, self._roles.items())
        if rules != (role.get("rules") or []):
            await self._client.update(RESOURCE, {**role, "rules": rules})
