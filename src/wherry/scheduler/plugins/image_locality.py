"""Nodes that have the pod's images already are better, the more the bigger these are.

An image counts less where few nodes have it, so that pods do not crowd on the one node that happens to have it.
Source: plugins/imagelocality.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.plugin import MAX_SCORE, Cluster, NodeScore, NodeTest
from wherry.scheduler.framework.pod_info import PodInfo

_MEGABYTE = 1024 * 1024
LEAST = 23 * _MEGABYTE
MOST_PER_CONTAINER = 1000 * _MEGABYTE


class ImageLocality(NodeScore):
    name = "ImageLocality"

    def node_score(self, pod: PodInfo, cluster: Cluster) -> NodeTest | None:
        images = tuple(pod_images(pod))
        spread = {image: count for image in images if (count := cluster.image_spread(image))}
        if not spread:
            return None
        total, highest = len(cluster.nodes()), MOST_PER_CONTAINER * len(images)
        return lambda node: _scaled(_bytes_here(images, spread, node, total), highest)


def _bytes_here(images: Sequence[str], spread: dict[str, int], node: NodeInfo, total: int) -> int:
    have = node.images
    return sum(int(have[image] * (spread[image] / total)) for image in images if image in have)


def _scaled(found: int, highest: int) -> int:
    return MAX_SCORE * (min(max(found, LEAST), highest) - LEAST) // (highest - LEAST)


def pod_images(pod: PodInfo) -> Iterator[str]:
    for field in ("initContainers", "containers"):
        for container in pod.spec.get(field) or ():
            yield _normalized(container.get("image") or "")


def _normalized(image: str) -> str:
    """With its tag, as nodes report images; what has a digest stays as it is."""
    return image if image.rfind(":") > image.rfind("/") else f"{image}:latest"
