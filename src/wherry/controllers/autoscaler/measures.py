"""Asking the metrics APIs: resource metrics of pods, custom metrics of pods and objects, external ones.

Source: pkg/controller/podautoscaler/metrics; k8s.io/metrics/pkg/client. Raises `CannotCompute` in upstream's words.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote, urlencode

import orjson

from wherry.api.errors import StatusError
from wherry.api.types import Object
from wherry.base.times import parse_rfc3339
from wherry.client.answers import content, error_of
from wherry.client.client import Client
from wherry.controllers.autoscaler.grouping import CannotCompute, Sample
from wherry.machinery.go_duration import DurationError, parse_duration
from wherry.machinery.quantity import parse_milli

CUSTOM, EXTERNAL = "custom.metrics.k8s.io", "external.metrics.k8s.io"
_CUSTOM_VERSIONS = ("v1beta2", "v1beta1")
_DEFAULT_WINDOW = 60.0


class Measures:
    """One cluster's metrics."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def resource(self, resource: str, namespace: str, selector: str, container: str = "") -> dict[str, Sample]:
        """CPU or memory of each selected pod (or of one container of each)."""
        path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods"
        items = await self._items(path, {"labelSelector": selector}, "resource metrics")
        return pod_samples(items, resource, container)

    async def of_pods(self, metric: str, namespace: str, selector: str, metric_selector: str) -> dict[str, Sample]:
        """A custom metric of each selected pod."""
        path = f"{await self._custom()}/namespaces/{namespace}/pods/*/{quote(metric, safe='')}"
        query = {"labelSelector": selector, "metricLabelSelector": metric_selector}
        items = await self._items(path, query, "custom metrics")
        return {item["describedObject"]["name"]: _custom_sample(item) for item in items}

    async def of_object(self, metric: str, namespace: str, resource: str, name: str, metric_selector: str) -> int:
        """A custom metric of one object; `resource` is as in `deployments.apps`."""
        kind = f"namespaces/{name}/metrics" if resource == "namespaces" else f"namespaces/{namespace}/{resource}/{name}"
        path = f"{await self._custom()}/{kind}/{quote(metric, safe='')}"
        items = await self._items(path, {"metricLabelSelector": metric_selector}, "custom metrics")
        return parse_milli(items[0]["value"])

    async def external(self, metric: str, namespace: str, selector: str) -> int:
        """The sum of an external metric's values."""
        path = f"/apis/{EXTERNAL}/v1beta1/namespaces/{namespace}/{quote(metric, safe='')}"
        items = await self._items(path, {"labelSelector": selector}, "external metrics")
        return sum(parse_milli(item["value"]) for item in items)

    async def _custom(self) -> str:
        groups = await self._get("/apis")
        for group in groups["groups"]:
            if group["name"] == CUSTOM:
                served = {each["version"] for each in group["versions"]}
                for version in _CUSTOM_VERSIONS:
                    if version in served:
                        return f"/apis/{CUSTOM}/{version}"
        raise CannotCompute(
            f"unable to fetch metrics from custom metrics API: no custom metrics API ({CUSTOM}) registered"
        )

    async def _items(self, path: str, query: dict[str, str], api: str) -> list[Object]:
        text = urlencode({key: value for key, value in query.items() if value})
        try:
            found = await self._get(f"{path}?{text}" if text else path)
        except (StatusError, OSError) as error:
            raise CannotCompute(f"unable to fetch metrics from {api} API: {error}") from error
        items: list[Object] = found.get("items") or []
        if not items:
            raise CannotCompute(f"no metrics returned from {api} API")
        return items

    async def _get(self, target: str) -> Object:
        response = await self._client.raw("GET", target)
        body = content(response)
        if response.status >= 400:
            raise error_of(response.status, body)
        found: Object = orjson.loads(body)
        return found


def pod_samples(items: Iterable[Object], resource: str, container: str) -> dict[str, Sample]:
    """Of each pod whose containers all have a figure. Raises `CannotCompute` where a pod has no such container."""
    found: dict[str, Sample] = {}
    for item in items:
        usages = {each["name"]: each["usage"] for each in item["containers"]}
        if container and container not in usages:
            where = f"{item['metadata']['namespace']}/{item['metadata']['name']}"
            raise CannotCompute(f"container {container} not present in metrics for pod {where}")
        chosen = [usages[container]] if container else list(usages.values())
        if all(resource in usage for usage in chosen):
            value = sum(parse_milli(usage[resource]) for usage in chosen)
            at = parse_rfc3339(item["timestamp"])
            found[item["metadata"]["name"]] = Sample(value, at, _window(item.get("window")))
    return found


def _window(text: str | None) -> float:
    try:
        return parse_duration(text) if text else _DEFAULT_WINDOW
    except DurationError:
        return _DEFAULT_WINDOW


def _custom_sample(item: Object) -> Sample:
    seconds = item.get("windowSeconds")
    if seconds is None:
        seconds = item.get("window")
    at = parse_rfc3339(item["timestamp"]) if item.get("timestamp") else 0.0
    return Sample(parse_milli(item["value"]), at, float(_DEFAULT_WINDOW if seconds is None else seconds))
