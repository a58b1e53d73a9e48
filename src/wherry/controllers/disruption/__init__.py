"""PodDisruptionBudget: how many pods may be evicted now; the eviction subresource takes from it.

`budget` counts (pure), `controller` is the loop. Source: k8s.io/kubernetes pkg/controller/disruption.
"""
