"""Passing a write through admission."""

from __future__ import annotations

from wherry.api.types import Object
from wherry.apiserver.admission.attributes import Attributes, Operation
from wherry.apiserver.call import Call
from wherry.apiserver.registry import Served


def admit(
    call: Call,
    served: Served,
    operation: Operation,
    obj: Object | None,
    old: Object | None,
    *,
    name: str = "",
    subresource: str = "",
    dry_run: bool = False,
    validating: bool = False,
) -> None:
    """Let the plugins change or (when `validating`, after validation) only refuse; costs one look-up where none is concerned."""
    plugins = call.parts.admission.plugins(operation, served.qualified, subresource, validating=validating)
    if not plugins:
        return
    attributes = Attributes(
        operation=operation,
        served=served,
        subresource=subresource,
        namespace=call.info.namespace,
        name=name or call.info.name,
        obj=obj,
        old=old,
        user=call.user,
        dry_run=dry_run,
        warn=call.warn,
        parts=call.parts,
    )
    for plugin in plugins:
        plugin(attributes)
