"""All controllers of one process, on shared informers. A component.

Nothing polls: an idle cluster costs nothing here but the watches.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from importlib import import_module

from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.base.tasks import keep_running
from wherry.client.client import Client
from wherry.client.informer import SharedInformers
from wherry.controllers.context import Config, Context
from wherry.controllers.controller import Controller, Counters, Workers


def _loaded(module: str, name: str) -> Callable[[Context], Controller]:
    """Makes a controller; its module is imported only then, which keeps the start of the whole cluster short."""
    return lambda context: getattr(import_module(module), name)(context)


def _replica_sets(kind: str) -> Callable[[Context], Controller]:
    def make(context: Context) -> Controller:
        module = import_module("wherry.controllers.replicaset")
        return module.ReplicaSetController(context, getattr(module, kind))

    return make


CONTROLLERS: Mapping[str, Callable[[Context], Controller]] = {
    "replicaset": _replica_sets("KIND_RS"),
    "replicationcontroller": _replica_sets("KIND_RC"),
    "deployment": _loaded("wherry.controllers.deployment.controller", "DeploymentController"),
    "daemonset": _loaded("wherry.controllers.daemonset.controller", "DaemonSetController"),
    "endpoints": _loaded("wherry.controllers.endpoints.endpoints", "EndpointsController"),
    "endpointslice": _loaded("wherry.controllers.endpoints.endpointslice", "EndpointSliceController"),
    "endpointslicemirroring": _loaded("wherry.controllers.endpoints.mirroring", "EndpointSliceMirroringController"),
    "garbagecollector": _loaded("wherry.controllers.gc.collector", "GarbageCollector"),
    "job": _loaded("wherry.controllers.job.controller", "JobController"),
    "cronjob": _loaded("wherry.controllers.cronjob.controller", "CronJobController"),
    "horizontalpodautoscaling": _loaded(
        "wherry.controllers.autoscaler.controller", "HorizontalPodAutoscalerController"
    ),
    "ttl-after-finished": _loaded("wherry.controllers.ttlafterfinished", "TTLAfterFinishedController"),
    "disruption": _loaded("wherry.controllers.disruption.controller", "DisruptionController"),
    "clusterrole-aggregation": _loaded("wherry.controllers.clusterroleaggregation", "ClusterRoleAggregationController"),
    "namespace": _loaded("wherry.controllers.namespace", "NamespaceController"),
    "serviceaccount": _loaded("wherry.controllers.serviceaccount", "ServiceAccountController"),
    "root-ca-certificate-publisher": _loaded("wherry.controllers.rootca", "RootCAController"),
    "statefulset": _loaded("wherry.controllers.statefulset.controller", "StatefulSetController"),
    "nodelifecycle": _loaded("wherry.controllers.nodelifecycle", "NodeLifecycleController"),
    "taint-eviction-controller": _loaded("wherry.controllers.tainteviction", "TaintEvictionController"),
    "resourcequota": _loaded("wherry.controllers.resourcequota", "ResourceQuotaController"),
    "serviceaccount-token": _loaded("wherry.controllers.serviceaccounttokens", "ServiceAccountTokensController"),
    "token-cleaner": _loaded("wherry.controllers.bootstrap.tokencleaner", "TokenCleaner"),
    "bootstrap-signer": _loaded("wherry.controllers.bootstrap.signer", "BootstrapSigner"),
    "csrapproving": _loaded("wherry.controllers.certificates.approver", "CertificateApprover"),
    "kubelet-serving-approving-controller": _loaded(
        "wherry.controllers.certificates.serving_approver", "ServingApprover"
    ),
    "csrsigning": _loaded("wherry.controllers.certificates.signing", "CertificateSigner"),
    "csrcleaner": _loaded("wherry.controllers.certificates.cleaner", "CertificateCleaner"),
    "ttl": _loaded("wherry.controllers.ttl", "TTLController"),
    "service": _loaded("wherry.controllers.loadbalancer.controller", "LoadBalancerController"),
    "servicecidrs": _loaded("wherry.controllers.servicecidrs", "ServiceCIDRController"),
    "persistentvolume-binder": _loaded("wherry.controllers.volumes.binder", "PersistentVolumeBinder"),
    "local-provisioner": _loaded("wherry.controllers.volumes.provisioner", "LocalProvisioner"),
    "default-storage-class": _loaded("wherry.controllers.volumes.default_class", "DefaultStorageClass"),
    "persistentvolume-expander": _loaded("wherry.controllers.volumes.resizer", "VolumeResizer"),
    "pv-protection": _loaded("wherry.controllers.volumes.protection", "VolumeProtection"),
    "pvc-protection": _loaded("wherry.controllers.volumes.protection", "ClaimProtection"),
    "ephemeral-volume": _loaded("wherry.controllers.volumes.ephemeral", "EphemeralVolumes"),
    "resource-claim-controller": _loaded("wherry.controllers.devices.resourceclaim", "ResourceClaimController"),
    "attachdetach": _loaded("wherry.controllers.volumes.attachdetach", "AttachDetachController"),
    "podgc": _loaded("wherry.controllers.podgc", "PodGCController"),
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
        self._context = Context(client=client, clock=clock, informers=self._informers, config=config, log=self._log)
        names = CONTROLLERS if enabled is None else enabled
        self._makers = {name: CONTROLLERS[name] for name in names}
        self._controllers: dict[str, Controller] = {}
        self._made = asyncio.Event()

    def counters(self) -> dict[str, Counters]:
        """What each controller's loop has done, for metrics."""
        return {
            name: loop.counters
            for name, controller in self._controllers.items()
            if (loop := getattr(controller, "loop", None)) is not None
        }

    def metric_lines(self) -> Iterator[str]:
        """For `/metrics`."""
        from wherry.controllers.metrics import lines

        loops = {name: getattr(controller, "loop", None) for name, controller in self._controllers.items()}
        return lines({name: loop for name, loop in loops.items() if isinstance(loop, Workers)})

    async def wait_synced(self) -> None:
        """Return when the controllers are there and every informer has its first list."""
        await self._made.wait()
        await self._informers.wait_synced()

    async def run(self) -> None:
        await self._make()
        async with asyncio.TaskGroup() as group:
            if self._owns_informers:
                group.create_task(self._informers.run())
            for name, controller in self._controllers.items():
                group.create_task(keep_running(name, controller.run, clock=self._clock, log=self._log))

    async def _make(self) -> None:
        """Import and make one after another, letting others in the process work in between.

        All are made before any runs: the garbage collector shares the informers that the others asked for.
        """
        for name, make in self._makers.items():
            if name not in self._controllers:
                self._controllers[name] = make(self._context)
                await asyncio.sleep(0)
        self._made.set()
