"""What a pod has before its containers: volumes, an address, files that all containers see, the sandbox."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

from wherry.api.errors import NotFound, StatusError
from wherry.api.pod_network import PORT_MAP
from wherry.api.types import Object
from wherry.base.failpoints import reach
from wherry.base.files import write_atomic
from wherry.node.container_builder import PodParts
from wherry.node.devices import missing_driver
from wherry.node.layout import PodPaths
from wherry.node.network_port import NetworkFailure, PodAttachment
from wherry.node.pod import dns, qos, references, spec
from wherry.node.pod.fields import Identity
from wherry.node.runtimes.port import RuntimeFailure, Sandbox
from wherry.node.tools import Tools
from wherry.node.trash import discard
from wherry.node.volumes.claim import resolve
from wherry.node.volumes.context import TokenSource, VolumeContext, VolumeProblem
from wherry.node.volumes.mounts import PodFiles
from wherry.node.volumes.pod_volumes import PodVolumes
from wherry.policy.volumes.facts import claims_of


class SetUpProblem(Exception):
    """`reason` is that of the event: FailedMount, FailedPrepareDynamicResources, FailedCreatePodSandBox."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class PodSetUp:
    """Makes a pod's surroundings, finds them again after a restart, and takes them away. Every call may be repeated."""

    def __init__(self, tools: Tools, pod: Object) -> None:
        self.paths = PodPaths.of(tools.config, pod)
        self.volumes = PodVolumes(self.paths.volumes, tools.tokens.token, tools.clock.now)
        self.attachment: PodAttachment | None = tools.network.attached().get(spec.uid(pod))
        self._tools = tools

    @property
    def addresses(self) -> tuple[str, ...]:
        return self.attachment.addresses if self.attachment is not None else ()

    def identity(self, pod: Object) -> Identity:
        node_addresses = tuple(self._tools.network.node_addresses)
        return Identity(
            pod_addresses=node_addresses if spec.uses_host_network(pod) else self.addresses,
            node_addresses=node_addresses,
            node_name=self._tools.config.name,
            allocatable=(self._tools.node().get("status") or {}).get("allocatable") or {},
        )

    async def make(self, pod: Object) -> tuple[PodParts, float | None]:
        """Everything, and when the volumes want to be refreshed. Raises `SetUpProblem`."""
        if "resourceClaims" in pod["spec"] and (problem := await missing_driver(self._tools.client, pod)):
            raise SetUpProblem("FailedPrepareDynamicResources", problem)
        if "runtimeClassName" in pod["spec"]:
            await self._find_runtime_class(pod["spec"]["runtimeClassName"])
        network = asyncio.ensure_future(self._attach(pod))
        try:
            refresh_at = await self.refresh(pod)
            await network
            reach("node.set-up.attached")
        finally:
            if not network.done():
                network.cancel()
        files = self._write_files(pod)
        sandbox = self._sandbox(pod)
        try:
            await self._tools.runtime.create_sandbox(sandbox)
        except (RuntimeFailure, OSError) as error:
            raise SetUpProblem("FailedCreatePodSandBox", f"Failed to create pod sandbox: {error}") from error
        reach("node.set-up.sandbox")
        parts = PodParts(
            sandbox=sandbox,
            volumes=self.volumes.paths,
            files=files,
            paths=self.paths,
            identity=self.identity(pod),
            port_map=self.attachment.port_map if self.attachment is not None else {},
        )
        return parts, refresh_at

    async def _find_runtime_class(self, name: str) -> None:
        """It may have gone since the pod was admitted. Raises `SetUpProblem`."""
        try:
            await self._tools.client.get("runtimeclasses.node.k8s.io", name)
        except NotFound as error:
            text = f'Failed to create pod sandbox: runtimeclass.node.k8s.io "{name}" not found'
            raise SetUpProblem("FailedCreatePodSandBox", text) from error
        except (StatusError, ConnectionError, OSError) as error:
            raise SetUpProblem("FailedCreatePodSandBox", f"Failed to create pod sandbox: {error}") from error

    async def refresh(self, pod: Object) -> float | None:
        """Bring the volumes up to date. Gives when to do it again. Raises `SetUpProblem`."""
        wanted = references.of_pod(pod, volumes=self._tools.config.on_disk)
        await self._tools.objects.want(spec.uid(pod), spec.namespace(pod), wanted)
        if not self._tools.config.on_disk:
            return None
        try:
            claims = {
                volume: await resolve(self._tools.client, pod, volume, name, own)
                for volume, name, own in claims_of(pod)
                if volume not in self.volumes.paths
            }

            def context(volume: Object, directory: Path, tokens: TokenSource) -> VolumeContext:
                return VolumeContext(
                    pod=pod,
                    volume=volume,
                    directory=directory,
                    lookup=self._tools.objects.lookup(spec.namespace(pod)),
                    identity=self.identity(pod),
                    tokens=tokens,
                    claims=claims,
                )

            return await self.volumes.set_up(pod, context)
        except VolumeProblem as error:
            raise SetUpProblem("FailedMount", str(error)) from error

    async def _attach(self, pod: Object) -> None:
        if spec.uses_host_network(pod):
            return
        try:
            self.attachment = await self._tools.network.attach(
                pod_uid=spec.uid(pod),
                name=spec.name(pod),
                namespace=spec.namespace(pod),
                ports=spec.container_ports(pod),
            )
        except (NetworkFailure, OSError) as error:
            text = f"Failed to create pod sandbox: failed to set up the pod's network: {error}"
            raise SetUpProblem("FailedCreatePodSandBox", text) from error
        if self.attachment.port_map:
            await self._tell_ports(pod, self.attachment.port_map)

    async def _tell_ports(self, pod: Object, ports: Mapping[int, int]) -> None:
        """Write to the pod where its processes listen, for those who carry connections to it. Raises `SetUpProblem`."""
        text = json.dumps({str(port): real for port, real in ports.items()})
        if (pod["metadata"].get("annotations") or {}).get(PORT_MAP) == text:
            return
        change = {"metadata": {"annotations": {PORT_MAP: text}}}
        try:
            # By the status: a node may write nothing else of a pod.
            await self._tools.client.patch(
                "pods", spec.name(pod), change, namespace=spec.namespace(pod), subresource="status"
            )
        except NotFound:
            return
        except (StatusError, ConnectionError, OSError) as error:
            text = f"Failed to create pod sandbox: failed to announce the pod's ports: {error}"
            raise SetUpProblem("FailedCreatePodSandBox", text) from error

    def _write_files(self, pod: Object) -> PodFiles:
        """hosts, hostname and resolv.conf."""
        if not self._tools.config.on_disk:
            return PodFiles()
        config, paths = self._tools.config, self.paths
        paths.files.mkdir(parents=True, exist_ok=True)
        resolver = dns.resolver(
            pod,
            cluster_servers=self._tools.network.dns_servers,
            cluster_domain=config.cluster_domain,
            host=self._tools.host_resolver,
        )
        if spec.uses_host_network(pod):
            hosts = dns.host_network_hosts(pod, _read(Path("/etc/hosts")))
        else:
            hosts = dns.hosts(pod, self.addresses, config.cluster_domain)
        hostname = self._hostname(pod)
        for path, text in ((paths.hosts, hosts), (paths.hostname, f"{hostname}\n"), (paths.resolver, resolver.text())):
            if _read(path) != text:
                write_atomic(path, text.encode(), durable=False)
        # Where pods cannot ask the cluster's name server, they keep the machine's.
        resolver_file = paths.resolver if self._tools.network.nameserver_reachable else None
        return PodFiles(hosts=paths.hosts, hostname=paths.hostname, resolver=resolver_file)

    def _hostname(self, pod: Object) -> str:
        if spec.uses_host_network(pod):
            return self._tools.config.name
        return dns.hostname(pod, self._tools.config.cluster_domain)

    def _sandbox(self, pod: Object) -> Sandbox:
        security = pod["spec"].get("securityContext") or {}
        return Sandbox(
            pod_uid=spec.uid(pod),
            pod_name=spec.name(pod),
            pod_namespace=spec.namespace(pod),
            hostname=self._hostname(pod),
            network_namespace=self._namespace(pod),
            host_pid=bool(pod["spec"].get("hostPID")),
            host_ipc=bool(pod["spec"].get("hostIPC")),
            share_process_namespace=bool(pod["spec"].get("shareProcessNamespace")),
            sysctls={entry["name"]: str(entry["value"]) for entry in security.get("sysctls") or ()},
            cgroup=qos.cgroup(pod),
        )

    def _namespace(self, pod: Object) -> str | None:
        if spec.uses_host_network(pod):
            found = self._tools.network.namespace
            return None if found is None else str(found)
        return self.attachment.namespace_path if self.attachment is not None else None

    async def release(self, pod: Object) -> None:
        """The pod is over: give its address back and remove its volumes. Logs and ended containers stay."""
        await self._tools.network.detach(spec.uid(pod))
        self.attachment = None
        self._tools.objects.forget(spec.uid(pod))
        self.volumes.paths.clear()
        discard(self.paths.volumes, self._tools.config.trash_root)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
