"""Commands that take what kubectl takes: `-o=json`, `--wait=false`, durations such as `1m30s`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import click

_DURATION = re.compile(r"([-+]?)((?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:h|ms|m|s|us|µs|ns))+")
_PART = re.compile(r"([0-9.]+)(h|ms|m|s|us|µs|ns)")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_TRUTH = {"1": True, "t": True, "true": True, "0": False, "f": False, "false": False}


class KubeCommand(click.Command):
    """A command whose flags may carry `=true` and `=false`, and whose short options may carry `=`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, self._normal(ctx, args))

    def _normal(self, ctx: click.Context, args: list[str]) -> list[str]:
        flags = {name: param for param in self.get_params(ctx) if _is_flag(param) for name in param.opts}
        values = {name for param in self.get_params(ctx) if not _is_flag(param) for name in param.opts}
        result: list[str] = []
        for index, arg in enumerate(args):
            if arg == "--":
                return result + args[index:]
            name, equals, value = arg.partition("=")
            if equals and name in flags and value.lower() in _TRUTH:
                result += _switch(flags[name], name, _TRUTH[value.lower()])
            elif equals and len(name) == 2 and name in values:
                result += [name, value]
            else:
                result.append(arg)
        return result


def _is_flag(param: click.Parameter) -> bool:
    return isinstance(param, click.Option) and param.is_flag


def _switch(param: click.Parameter, name: str, value: bool) -> list[str]:
    if value:
        return [name]
    return [param.secondary_opts[0]] if param.secondary_opts else []


def command(**options: Any) -> Callable[[Callable[..., Any]], KubeCommand]:
    """`click.command` for a `KubeCommand`."""
    return click.command(cls=KubeCommand, **options)


class Duration(click.ParamType):  # type: ignore[type-arg]  # generic only in newer releases of click
    """Go's `1h2m3.5s` as seconds; a bare number is seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, int | float):
            return float(value)
        if re.fullmatch(r"-?[0-9]+", value):
            return float(value)
        match = _DURATION.fullmatch(value)
        if match is None:
            self.fail(f"{value!r} is not a duration such as 30s or 1m30s", param, ctx)
        seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(value))
        return -seconds if match[1] == "-" else seconds


DURATION = Duration()
