"""A probe on one line."""

from __future__ import annotations

from typing import Any

from wherry.api.types import Object
from wherry.cli.describing.words import go_list


def probe_text(probe: Object) -> str:
    times = (
        f"delay={probe.get('initialDelaySeconds', 0)}s timeout={probe.get('timeoutSeconds', 0)}s "
        f"period={probe.get('periodSeconds', 0)}s #success={probe.get('successThreshold', 0)} "
        f"#failure={probe.get('failureThreshold', 0)}"
    )
    return f"{_action(probe)} {times}"


def _action(probe: Object) -> str:
    if (command := probe.get("exec")) is not None:
        return f"exec {go_list(command.get('command'))}"
    if (web := probe.get("httpGet")) is not None:
        return f"http-get {_url(web)}"
    if (tcp := probe.get("tcpSocket")) is not None:
        return f"tcp-socket {tcp.get('host', '')}:{tcp['port']}"
    if (grpc := probe.get("grpc")) is not None:
        return f"grpc <pod>:{grpc['port']} {grpc.get('service') or ''}"
    return "unknown"


def _url(web: dict[str, Any]) -> str:
    host = str(web.get("host") or "")
    host = f"[{host}]" if ":" in host else host
    path = str(web.get("path") or "")
    if path and not path.startswith("/"):
        path = f"/{path}"
    return f"{web.get('scheme', 'HTTP').lower()}://{host}:{web['port']}{path}"
