"""Services of type LoadBalancer: an address from a pool, which the nodes' dataplanes then serve.

What a cloud's controller does elsewhere. Source: k8s.io/cloud-provider/controllers/service; KEP-1959 (class), KEP-1860 (ipMode).
"""
