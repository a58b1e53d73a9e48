"""`namespaces/finalize`: the namespace controller takes its finalizer away, and the namespace goes.

Source: pkg/registry/core/namespace/storage/storage.go (FinalizeREST).
"""

from __future__ import annotations

from wherry.api.types import Object
from wherry.apiserver.call import Call
from wherry.apiserver.subresources.change import only, updater


def _narrow(call: Call, new: Object, old: Object) -> None:
    only(new, old, "spec", "finalizers")


HANDLERS = {"update": updater(_narrow)}
