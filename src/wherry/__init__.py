"""Wherry: a whole container platform in one Python package.

The folder tree is the architecture; ARCHITECTURE.md gives the reading order.
"""

__version__ = "0.1.0"

KUBERNETES_VERSION = "v1.36.0"
"""The Kubernetes release whose behaviour is the contract for every client."""
