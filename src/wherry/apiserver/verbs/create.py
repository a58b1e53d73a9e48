"""Create: a new object from the request's body.

Source: k8s.io/apiserver/pkg/endpoints/handlers/create.go.
"""

from __future__ import annotations

from wherry.apiserver.answers import wanted, written_reply
from wherry.apiserver.body_object import read, settle_namespace
from wherry.apiserver.call import Answer, Call
from wherry.apiserver.creation import create
from wherry.apiserver.options import write_options
from wherry.wire.messages import Reply


def handle(call: Call) -> Answer:
    wanted(call)
    options = write_options(call, "CreateOptions")
    served = call.served
    obj = read(call, api_version=served.api_version, kind=served.kind, field_validation=options.field_validation)
    settle_namespace(call, obj)

    async def write() -> Reply:
        entry = await create(call, served, obj, dry_run=options.dry_run)
        return await written_reply(call, entry, 201)

    return write()
