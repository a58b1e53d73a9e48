"""Services by nftables in a node's own namespace.

`rules` compiles one port of a Service, `frame` holds what never changes, `ruleset` writes the script that leads from one
state to the next, `dataplane` runs it.
"""
