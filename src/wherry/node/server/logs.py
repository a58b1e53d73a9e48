"""`/containerLogs/{namespace}/{pod}/{container}`."""

from __future__ import annotations

from pathlib import Path

from wherry.base.clock import Clock
from wherry.node.runtimes.port import ContainerMissing, ContainerPhase, Runtime
from wherry.node.server import containers, log_options
from wherry.node.server.errors import Refused
from wherry.node.server.log_reader import LogReader
from wherry.node.server.port import PodLookup
from wherry.wire.messages import BodyWriter, Reply, Request, StreamResponse


class Logs:
    """A container's log, whole, its end, or as it grows."""

    def __init__(self, *, pods: PodLookup, runtime: Runtime, clock: Clock) -> None:
        self._pods = pods
        self._runtime = runtime
        self._clock = clock

    def handle(self, request: Request, namespace: str, pod_name: str, container: str) -> Reply:
        """Raises `Refused`."""
        options = log_options.parse(request.query(), self._clock.now())
        pod = self._pods.pod(namespace, pod_name)
        if pod is None:
            raise Refused(404, f'pod "{pod_name}" not found')
        if containers.spec_of(pod, container) is None:
            raise Refused(404, f'container "{container}" not found in pod "{pod_name}"')
        container_id = containers.with_logs(pod, container, previous=options.previous)
        try:
            path = Path(self._runtime.container(container_id).log_path)
        except ContainerMissing:
            raise Refused(400, f"unable to retrieve container logs for {self._runtime.name}://{container_id}") from None
        reader = LogReader(path, options, alive=lambda: self._alive(container_id), clock=self._clock)

        async def produce(body: BodyWriter) -> None:
            async for piece in reader.read():
                await body.write(piece)

        return StreamResponse(produce, content_type="text/plain")

    def _alive(self, container_id: str) -> bool:
        try:
            return self._runtime.container(container_id).phase is not ContainerPhase.EXITED
        except ContainerMissing:
            return False
