"""Which handler serves which verb of which resource or subresource."""

from __future__ import annotations

from collections.abc import Mapping

from wherry.api.errors import MethodNotAllowed
from wherry.apiserver.call import Call, Stage, not_allowed, resource_missing
from wherry.apiserver.connecting import admitted
from wherry.apiserver.reviews import access, identity
from wherry.apiserver.subresources import binding
from wherry.apiserver.subresources.table import SUBRESOURCES
from wherry.apiserver.verbs import component_statuses, create, delete, deletecollection, get, patch, update, watch
from wherry.apiserver.verbs import list as list_

MAIN: Mapping[str, Stage] = {
    "get": get.handle,
    "list": list_.handle,
    "watch": watch.handle,
    "create": create.handle,
    "update": update.handle,
    "patch": patch.handle,
    "delete": delete.handle,
    "deletecollection": deletecollection.handle,
}
STATUS: Mapping[str, Stage] = {"get": get.handle, "update": update.handle_status, "patch": patch.handle_status}

_AUTHENTICATION, _AUTHORIZATION = "authentication.k8s.io", "authorization.k8s.io"
NOT_STORED: Mapping[str, Mapping[str, Stage]] = {
    "bindings": binding.HANDLERS,
    "componentstatuses": component_statuses.HANDLERS,
    f"selfsubjectreviews.{_AUTHENTICATION}": identity.SELF,
    f"tokenreviews.{_AUTHENTICATION}": identity.TOKEN,
    f"localsubjectaccessreviews.{_AUTHORIZATION}": access.ACCESS,
    f"selfsubjectaccessreviews.{_AUTHORIZATION}": access.SELF_ACCESS,
    f"selfsubjectrulesreviews.{_AUTHORIZATION}": access.SELF_RULES,
    f"subjectaccessreviews.{_AUTHORIZATION}": access.ACCESS,
}
"""Resources that are only answered, by qualified name."""


def handler_of(call: Call) -> Stage:
    """The handler of a resource request. Raises `NotFound`, `MethodNotAllowed`."""
    info, served = call.info, call.info.served
    if served is None or (info.namespace and not served.namespaced and served.plural != "namespaces"):
        raise resource_missing()
    if served.warning:
        call.warn(served.warning)
    if info.subresource:
        return _subresource_handler(call, served.qualified)
    # The verb of the path must fit: objects of a namespace are made and named only inside it.
    if call.verb not in served.verbs or not _fits(call):
        raise _while_terminating(call) or not_allowed()
    return NOT_STORED.get(served.qualified, MAIN)[call.verb]


def _while_terminating(call: Call) -> MethodNotAllowed | None:
    custom = call.served.resource.custom
    if custom is None or not custom.terminating or call.verb != "create":
        return None
    return MethodNotAllowed(f"{call.verb} not allowed while custom resource definition is terminating")


def _fits(call: Call) -> bool:
    info = call.info
    if call.request.method == "HEAD":
        # Authorized as a read, but no route takes it.
        return False
    if call.verb == "create":
        return not info.name and (bool(info.namespace) or not info.served or not info.served.namespaced)
    if info.name and not info.watch_path:
        return bool(info.key)
    if call.verb == "deletecollection":
        # Not of all namespaces at once.
        return bool(info.namespace) or not call.served.namespaced
    return call.verb in ("list", "watch") or info.watch_path


def _subresource_handler(call: Call, qualified: str) -> Stage:
    info = call.info
    handlers = _handlers(call, qualified)
    if handlers is None or not info.name:
        raise resource_missing()
    handler = handlers.get(call.verb)
    if handler is None or not info.key:
        raise not_allowed()
    return handler


def _handlers(call: Call, qualified: str) -> Mapping[str, Stage] | None:
    info = call.info
    if info.served is None or info.subresource not in info.served.subresources:
        return None
    if connect := call.parts.connect.get((qualified, info.subresource)):
        return dict.fromkeys(("get", "create", "update", "patch", "delete", ""), admitted(connect))
    found = SUBRESOURCES.get((qualified, info.subresource)) or SUBRESOURCES.get(("*", info.subresource))
    if found is None and info.subresource == "status":
        return STATUS
    return found
