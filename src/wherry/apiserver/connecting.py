"""Admission of connections that a subresource takes over: exec, attach, port-forward and the proxies.

Source: k8s.io/apiserver/pkg/endpoints/handlers/rest.go (ConnectResource).
"""

from __future__ import annotations

from collections.abc import Mapping

from wherry.api.types import Object
from wherry.apiserver.admit import admit_both
from wherry.apiserver.call import Answer, Call, Stage
from wherry.apiserver.options import boolean
from wherry.wire.messages import Reply

_KINDS: Mapping[tuple[str, str], str] = {
    ("pods", "exec"): "PodExecOptions",
    ("pods", "attach"): "PodAttachOptions",
    ("pods", "portforward"): "PodPortForwardOptions",
    ("pods", "proxy"): "PodProxyOptions",
    ("services", "proxy"): "ServiceProxyOptions",
    ("nodes", "proxy"): "NodeProxyOptions",
}
"""What a connection is described by. Whatever is not in here is a read, such as a pod's log."""
_FLAGS, _TEXTS, _LISTS = ("stdin", "stdout", "stderr", "tty"), ("container", "path"), ("command",)


def admitted(stage: Stage) -> Stage:
    """The stage behind admission; the stage itself answers where no plugin is concerned."""

    def behind(call: Call) -> Answer:
        qualified, subresource = call.served.qualified, call.info.subresource
        kind = _KINDS.get((qualified, subresource), "")
        chosen = call.parts.admission.plugins
        if not kind or not any(chosen("CONNECT", qualified, subresource, validating=each) for each in (False, True)):
            return stage(call)
        return _admitted(call, stage, _options(call, kind))

    return behind


async def _admitted(call: Call, stage: Stage, options: Object) -> Reply:
    await admit_both(call, call.served, "CONNECT", options, None, subresource=call.info.subresource)
    answer = stage(call)
    return answer if not hasattr(answer, "__await__") else await answer


def _options(call: Call, kind: str) -> Object:
    """The query as the object that upstream makes of it."""
    options: Object = {"kind": kind, "apiVersion": "v1"}
    for name in _FLAGS:
        if name in call.query and boolean(call.parameter(name)):
            options[name] = True
    for name in _TEXTS:
        if text := call.parameter(name):
            options[name] = text
    for name in _LISTS:
        if values := call.query.get(name):
            options[name] = list(values)
    if ports := call.query.get("ports"):
        options["ports"] = [int(port) for text in ports for port in text.split(",") if port.isdigit()]
    if "proxy" in kind.lower() and call.info.rest:
        options["path"] = "/" + call.info.rest.lstrip("/")
    return options
