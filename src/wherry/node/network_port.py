"""What a node needs of a network; the definition stands in `wherry.api.pod_network`, where both sides can see it."""

from wherry.api.pod_network import NetworkFailure, PodAttachment, PodNetwork

__all__ = ["NetworkFailure", "PodAttachment", "PodNetwork"]
