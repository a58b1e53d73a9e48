"""Cluster DNS: `messages` (the format), `zone` and `objects` (what the cluster's names are), `answers` (the decision),
`upstream` and `cache` (everybody else's names), `server` (UDP and TCP), `component` (all of it, and the Service kube-dns).

Everything but the last three is pure. Source: Kubernetes DNS-Based Service Discovery 1.1.0; RFC 1034, 1035, 2308, 6891.
"""
