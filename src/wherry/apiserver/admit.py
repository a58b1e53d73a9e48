"""Passing a write through admission.

Plugins decide at once or, where they ask somebody outside, give something to await; who has neither kind pays one look-up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from time import perf_counter

from wherry.api.types import Object
from wherry.apiserver.admission.attributes import Attributes, Operation, Plugin
from wherry.apiserver.call import Call
from wherry.apiserver.registry import Served


async def admit(
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
    """Let the plugins change or (when `validating`, after validation) only refuse. Raises what they raise."""
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
        call=call,
    )
    times, began = call.parts.admission.times.of_step(operation, validating), perf_counter()
    try:
        waiting = pass_through(plugins, attributes)
        if waiting is not None:
            await waiting
    except Exception:
        times.refused.observe(perf_counter() - began)
        raise
    times.passed.observe(perf_counter() - began)


async def admit_both(
    call: Call,
    served: Served,
    operation: Operation,
    obj: Object | None,
    old: Object | None,
    *,
    name: str = "",
    subresource: str = "",
    dry_run: bool = False,
) -> None:
    """Both phases at once, for what is not validated in between."""
    for validating in (False, True):
        await admit(
            call,
            served,
            operation,
            obj,
            old,
            name=name,
            subresource=subresource,
            dry_run=dry_run,
            validating=validating,
        )


def pass_through(plugins: Sequence[Plugin], attributes: Attributes, start: int = 0) -> Awaitable[None] | None:
    """Run the plugins in order; gives what is left to await, from the first plugin that waits on."""
    for position in range(start, len(plugins)):
        waiting = plugins[position](attributes)
        if waiting is not None:
            return _rest(waiting, plugins, attributes, position + 1)
    if attributes.reinvoke and not attributes.again:
        # What others changed is new to the plugins before them: everybody looks once more.
        attributes.again = True
        return pass_through(plugins, attributes)
    return None


async def _rest(waiting: Awaitable[None], plugins: Sequence[Plugin], attributes: Attributes, start: int) -> None:
    await waiting
    following = pass_through(plugins, attributes, start)
    if following is not None:
        await following
