"""All controllers of one process, on shared informers. A component.

Nothing polls: an idle cluster costs nothing here but the watches.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping

from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.base.tasks import keep_running
from wherry.client.client import Client
from wherry.client.informer import SharedInformers
from wherry.controllers.clusterroleaggregation import ClusterRoleAggregationController
from wherry.controllers.context import Config, Context
from wherry.controllers.controller import Controller, Counters
from wherry.controllers.cronjob.controller import CronJobController
from wherry.controllers.daemonset.controller import DaemonSetController
from wherry.controllers.deployment.controller import DeploymentController
from wherry.controllers.disruption.controller import DisruptionController
from wherry.controllers.endpoints.endpoints import EndpointsController
from wherry.controllers.endpoints.endpointslice import EndpointSliceController
from wherry.controllers.endpoints.mirroring import EndpointSliceMirroringController
from wherry.controllers.gc.collector import GarbageCollector
from wherry.controllers.job.controller import JobController
from wherry.controllers.namespace import NamespaceController
from wherry.controllers.nodelifecycle import NodeLifecycleController
from wherry.controllers.podgc import PodGCController
from wherry.controllers.replicaset import KIND_RC, KIND_RS, ReplicaSetController
from wherry.controllers.rootca import RootCAController
from wherry.controllers.serviceaccount import ServiceAccountController
from wherry.controllers.statefulset.controller import StatefulSetController
from wherry.controllers.tainteviction import TaintEvictionController
from wherry.controllers.ttlafterfinished import TTLAfterFinishedController

CONTROLLERS: Mapping[str, Callable[[Context], Controller]] = {
    "deployment": DeploymentController,
    "replicaset": lambda context: ReplicaSetController(context, KIND_RS),
    "replicationcontroller": lambda context: ReplicaSetController(context, KIND_RC),
    "daemonset": DaemonSetController,
    "endpoints": EndpointsController,
    "endpointslice": EndpointSliceController,
    "endpointslicemirroring": EndpointSliceMirroringController,
    "garbagecollector": GarbageCollector,
    "job": JobController,
    "cronjob": CronJobController,
    "ttl-after-finished": TTLAfterFinishedController,
    "disruption": DisruptionController,
    "clusterrole-aggregation": ClusterRoleAggregationController,
    "namespace": NamespaceController,
    "serviceaccount": ServiceAccountController,
    "root-ca-certificate-publisher": RootCAController,
    "statefulset": StatefulSetController,
    "nodelifecycle": NodeLifecycleController,
    "taint-eviction-controller": TaintEvictionController,
    "podgc": PodGCController,
}
"""Every controller there is, by the name that switches it on and off."""


class ControllerManager:
    """Starts the controllers named in `enabled` (all unless told). Raises `KeyError` for an unknown name."""

    def __init__(
        self,
        client: Client,
        clock: Clock,
        config: Config = Config(),  # noqa: B008 - frozen
        *,
        enabled: Collection[str] | None = None,
        informers: SharedInformers | None = None,
        log: Logger | None = None,
    ) -> None:
        self._clock = clock
        self._log = log or Logger("controllers")
        self._informers = informers or SharedInformers(client, log=self._log)
        self._owns_informers = informers is None
        context = Context(client=client, clock=clock, informers=self._informers, config=config, log=self._log)
        names = CONTROLLERS if enabled is None else enabled
        self._controllers = {name: CONTROLLERS[name](context) for name in names}

    def counters(self) -> dict[str, Counters]:
        """What each controller's loop has done, for metrics."""
        return {
            name: loop.counters
            for name, controller in self._controllers.items()
            if (loop := getattr(controller, "loop", None)) is not None
        }

    async def wait_synced(self) -> None:
        """Return when every informer has its first list."""
        await self._informers.wait_synced()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            if self._owns_informers:
                group.create_task(self._informers.run())
            for name, controller in self._controllers.items():
                group.create_task(keep_running(name, controller.run, clock=self._clock, log=self._log))
