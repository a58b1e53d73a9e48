"""Nodes as network namespaces: the host's side (`host`), a node's side (`node`), addresses (`addresses`).

Every pod hangs on its node by a veth pair of its own with a /32 address and is reached by routes only; there is no bridge
between the pods of a node. See docs/adr/0003-routed-pods.md for why.
"""
