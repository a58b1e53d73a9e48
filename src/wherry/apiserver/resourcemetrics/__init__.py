"""The group `metrics.k8s.io`: what nodes and pods use, as metrics-server serves it.

Read `exposition` for what a node says, `rates` for what that means over time, `scraper` for when nodes are asked, and `api`
for the answers. Source: kubernetes-sigs/metrics-server, k8s.io/metrics/pkg/apis/metrics/v1beta1.
"""
