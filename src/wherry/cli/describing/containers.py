"""The containers of a pod, or of a pod's template."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wherry.api.types import Object
from wherry.cli.describing.environment import environment
from wherry.cli.describing.probes import probe_text
from wherry.cli.describing.words import moment, or_none, truth
from wherry.cli.describing.writer import Writer

Resolve = Callable[[Object, Object], str]
"""What a variable's `fieldRef` or `resourceFieldRef` stands for, given the container and the variable."""


def containers(
    out: Writer,
    title: str,
    specs: Sequence[Object],
    statuses: Sequence[Object] = (),
    *,
    resolve: Resolve | None = None,
    space: str = "",
) -> None:
    """`space` leads the lines of a template."""
    by_name = {status["name"]: status for status in statuses or ()}
    out.line(f"{space}{title}:" if specs else f"{space}{title}: <none>")
    for spec in specs:
        status = by_name.get(spec["name"])
        _basics(out, spec, status, " " if space else "")
        _command(out, "Command", spec.get("command"))
        _command(out, "Args", spec.get("args"))
        if status is not None:
            _states(out, status)
        resources(out, spec.get("resources") or {}, 2)
        for name in ("liveness", "readiness", "startup"):
            if probe := spec.get(f"{name}Probe"):
                out.field(name.capitalize(), probe_text(probe), 2)
        environment(out, spec, resolve)
        _mounts(out, spec)


def _basics(out: Writer, spec: Object, status: Object | None, indent: str) -> None:
    out.line(f"{indent}{spec['name']}:", 1)
    if status is not None:
        out.field("Container ID", status.get("containerID", ""), 2)
    out.field("Image", spec.get("image", ""), 2)
    if status is not None:
        out.field("Image ID", status.get("imageID", ""), 2)
    ports = spec.get("ports") or ()
    for title, field in (("Port", "containerPort"), ("Host Port", "hostPort")):
        text = ", ".join(f"{port.get(field, 0)}/{port.get('protocol', 'TCP')}" for port in ports)
        out.field(f"{title}s" if "," in text else title, or_none(text), 2)


def _command(out: Writer, title: str, arguments: Sequence[str] | None) -> None:
    if arguments:
        out.line(f"{title}:", 2)
        for argument in arguments:
            for part in argument.split("\n"):
                out.line(part, 3)


def _states(out: Writer, status: Object) -> None:
    _state(out, "State", status.get("state") or {})
    last = status.get("lastState") or {}
    if last.get("terminated") is not None:
        _state(out, "Last State", last)
    out.field("Ready", truth(status.get("ready")), 2)
    out.field("Restart Count", status.get("restartCount", 0), 2)


def _state(out: Writer, title: str, state: Mapping[str, Any]) -> None:
    if (running := state.get("running")) is not None:
        out.field(title, "Running", 2)
        out.field("Started", moment(running.get("startedAt")), 3)
    elif (ended := state.get("terminated")) is not None:
        out.field(title, "Terminated", 2)
        out.given("Reason", ended.get("reason"), 3)
        out.given("Message", ended.get("message"), 3)
        out.field("Exit Code", ended.get("exitCode", 0), 3)
        if ended.get("signal"):
            out.field("Signal", ended["signal"], 3)
        out.field("Started", moment(ended.get("startedAt")), 3)
        out.field("Finished", moment(ended.get("finishedAt")), 3)
    else:
        out.field(title, "Waiting", 2)
        out.given("Reason", (state.get("waiting") or {}).get("reason"), 3)


def resources(out: Writer, wanted: Object, level: int) -> None:
    """Limits and requests."""
    for title in ("Limits", "Requests"):
        if amounts := wanted.get(title.lower()):
            out.line(f"{title}:", level)
            out.fields(sorted(amounts.items()), level + 1)


def _mounts(out: Writer, spec: Object) -> None:
    mounts = sorted(spec.get("volumeMounts") or (), key=lambda mount: mount["mountPath"])
    out.line("Mounts:" if mounts else "Mounts:\t<none>", 2)
    for mount in mounts:
        flags = ["ro" if mount.get("readOnly") else "rw"]
        flags += [f'path="{mount["subPath"]}"'] if mount.get("subPath") else []
        out.line(f"{mount['mountPath']} from {mount['name']} ({','.join(flags)})", 3)
    devices = sorted(spec.get("volumeDevices") or (), key=lambda device: device["devicePath"])
    if devices:
        out.line("Devices:", 2)
        for device in devices:
            out.line(f"{device['devicePath']} from {device['name']}", 3)
