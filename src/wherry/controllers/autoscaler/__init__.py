"""Horizontal pod autoscaling: how many pods a target should have by what is measured, limited in speed and range.

Read `calculator` for the arithmetic, `limits` for speed and range, `sources` for the kinds of metrics, then `controller`.
Source: pkg/controller/podautoscaler; KEP-853 (behaviour), KEP-4951 (tolerance), KEP-1610 (container resources).
"""
