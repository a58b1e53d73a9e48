"""An apply as it comes over HTTP: read and checked, carried out on an object, its result checked as any patch's.

Source: k8s.io/apiserver/pkg/endpoints/handlers/patch.go (applyPatcher, patcher.applyPatch).
"""

from __future__ import annotations

import orjson

from wherry.api.errors import UnsupportedMediaType, conflict
from wherry.api.types import Object
from wherry.apiserver.authorization.attributes import Attributes
from wherry.apiserver.body_object import check_name, settle_namespace
from wherry.apiserver.call import Call
from wherry.apiserver.kinds import decode_object
from wherry.apiserver.objects import stamp
from wherry.apiserver.options import WriteOptions
from wherry.apiserver.ownership import scale
from wherry.apiserver.ownership.apply import Applier
from wherry.apiserver.ownership.configuration import check_configuration, read_configuration
from wherry.apiserver.ownership.scope import Scope, converter, scope_of
from wherry.apiserver.ownership.tracking import FIELD
from wherry.machinery.fieldsets.managers import APPLY, Convert, Entry
from wherry.policy.denial import forbidden


def read_apply(call: Call, options: WriteOptions) -> Applier:
    """The apply that the body asks for. Raises `BadRequest`, 413, 415."""
    served, subresource = call.served, call.info.subresource
    if subresource == "scale":
        return _applier(call, options, scale.scale_scope(), scale.KIND, scale.convert)
    scope = scope_of(served, subresource)
    if scope is None:
        raise UnsupportedMediaType(f"{served.kind} cannot be applied")
    return _applier(call, options, scope, served.kind, converter(call.parts.registry, served))


def _applier(call: Call, options: WriteOptions, scope: Scope, kind: str, convert: Convert) -> Applier:
    config = read_configuration(call, field_validation=options.field_validation)
    check_configuration(scope.shape, config, scope.api_version, kind)
    now = stamp(call.parts.clock.now())
    actor = Entry(options.field_manager, APPLY, scope.api_version, {}, now, call.info.subresource)
    return Applier(scope=scope, config=config, actor=actor, convert=convert, force=options.force)


def applied_object(call: Call, applier: Applier, old: Object | None) -> tuple[Object, list[Object]]:
    """The object that an apply makes of `old` (None: of nothing), in the served version, and its managed fields.

    An object of the caller's own. Raises `Conflict`, `BadRequest`.
    """
    served = call.served
    if old is None:
        made, managed = applier.to_nothing(served.kind)
    else:
        live = served.conversion.from_stored(old) if served.conversion else old
        made, managed = applier.to(live, old["metadata"].get(FIELD))
    new: Object = orjson.loads(orjson.dumps(made))
    decode_object(call, new, api_version=served.api_version, kind=served.kind, raw=None, field_validation="Ignore")
    if not isinstance(new.get("metadata"), dict):
        new["metadata"] = {}
    if old is None and (uid := new["metadata"].get("uid")):
        why = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
        raise conflict(served.group, served.plural, call.info.name, why)
    settle_namespace(call, new)
    check_name(call, new)
    return new, managed


async def check_may_create(call: Call) -> None:
    """An apply that finds nothing makes something, which is a right of its own. Raises `Forbidden`."""
    info, user = call.info, call.user
    wish = Attributes(
        "create", group=info.group, resource=info.plural, namespace=info.namespace, name=info.name, version=info.version
    )
    decision = await call.parts.authorizer.permitted(user, wish)
    if not decision.allowed:
        reason = decision.reason
        raise forbidden(
            user, "create", info.group, info.plural, namespace=info.namespace, name=info.name, reason=reason
        )
