"""Update: replace an object by the request's body, if it is still the one that the client saw.

Source: k8s.io/apiserver/pkg/endpoints/handlers/update.go.
"""

from __future__ import annotations

from collections.abc import Callable

from wherry.api.types import Object
from wherry.apiserver.answers import wanted, written_reply
from wherry.apiserver.body_object import check_name, read, settle_namespace
from wherry.apiserver.call import Answer, Call
from wherry.apiserver.creation import create
from wherry.apiserver.kinds import strategy_of
from wherry.apiserver.options import WriteOptions, write_options
from wherry.apiserver.updating import check_conditional, updated
from wherry.apiserver.writes import change
from wherry.wire.messages import Reply


def handle(call: Call) -> Answer:
    return _update(call, status=False)


def handle_status(call: Call) -> Answer:
    """The same for the status subresource."""
    return _update(call, status=True)


def _update(call: Call, *, status: bool) -> Answer:
    wanted(call)
    options = write_options(call, "UpdateOptions")
    served = call.served
    body = body_reader(call, options)
    first = body()
    check_conditional(served, first)
    waiting = [first]

    async def compute(old: Object) -> Object:
        # Computing changes the body, so that each further try starts from the text again.
        new = waiting.pop() if waiting else body()
        if served.conversion:
            new = served.conversion.to_stored(new)
        return await updated(call, served, new, old, status=status, dry_run=options.dry_run)

    async def write() -> Reply:
        if not status and strategy_of(served).create_on_update and call.parts.store.get(call.info.key) is None:
            return await written_reply(call, await create(call, served, first, dry_run=options.dry_run), 201)
        entry = await change(call, served, call.info.key, call.info.name, compute, dry_run=options.dry_run)
        return await written_reply(call, entry)

    return write()


def body_reader(call: Call, options: WriteOptions) -> Callable[[], Object]:
    """Gives the body as a new object each time."""
    served = call.served

    def body() -> Object:
        obj = read(call, api_version=served.api_version, kind=served.kind, field_validation=options.field_validation)
        check_name(call, obj)
        settle_namespace(call, obj)
        return obj

    return body
