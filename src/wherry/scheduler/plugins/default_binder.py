"""Binds by posting to the pod's `binding` subresource."""

from __future__ import annotations

from wherry.client.client import Client
from wherry.scheduler.framework.plugin import Bind
from wherry.scheduler.framework.pod_info import PodInfo


class DefaultBinder(Bind):
    name = "DefaultBinder"

    def __init__(self, client: Client) -> None:
        self._client = client

    async def bind(self, pod: PodInfo, node: str) -> None:
        """The uid makes sure that it is this pod and not another one of its name."""
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"namespace": pod.namespace, "name": pod.name, "uid": pod.obj["metadata"].get("uid", "")},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        }
        await self._client.create("pods", binding, namespace=pod.namespace, name=pod.name, subresource="binding")
