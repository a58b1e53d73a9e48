"""Services: from objects (`reading`, `endpoints`) to plain facts (`model`), and those to a dataplane (`dataplane`).

`proxy` is the component that keeps a dataplane true to the API server's objects. The dataplanes: `nftables`, for nodes
with a network of their own, and `wherry.network.userspace`, where there are no privileges.
"""
