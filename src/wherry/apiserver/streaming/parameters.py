"""Query parameters of the pod's streams: checked, and as the node's server wants them.

Source: pkg/apis/core/validation `ValidatePodLogOptions`, pkg/registry/core/pod/strategy.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from wherry.api.errors import BadRequest, Cause, invalid
from wherry.base.times import parse_rfc3339
from wherry.machinery.integers import IntegerError, parse_int

Query = Mapping[str, Sequence[str]]

_FLAGS = ("follow", "previous", "timestamps")
_LEAST = {
    "sinceSeconds": (1, "must be greater than 0"),
    "tailLines": (0, "must be greater than or equal to 0"),
    "limitBytes": (1, "must be greater than 0"),
}
_STREAMS = ("All", "Stderr", "Stdout")
_EXEC = {"stdin": "input", "stdout": "output", "stderr": "error", "tty": "tty"}


def first(query: Query, name: str) -> str:
    return next(iter(query.get(name, ())), "")


def flag(query: Query, name: str) -> bool:
    """As upstream converts: absent, `0` and `false` are false, all else is true."""
    values = query.get(name)
    return bool(values) and first(query, name).lower() not in ("0", "false")


def log_query(query: Query, pod_name: str) -> str:
    """Raises `Invalid` with all that is wrong, `BadRequest` for what is not a number or a time."""
    wanted = [(name, "true") for name in _FLAGS if flag(query, name)]
    problems: list[Cause] = []
    for name, (least, why) in _LEAST.items():
        if value := first(query, name):
            wanted.append((name, value))
            if _integer(value) < least:
                problems.append(Cause("FieldValueInvalid", f"Invalid value: {value}: {why}", name))
    if moment := first(query, "sinceTime"):
        _check_time(moment)
        wanted.append(("sinceTime", moment))
        if first(query, "sinceSeconds"):
            problems.append(_forbidden("at most one of `sinceTime` or `sinceSeconds` may be specified"))
    stream = first(query, "stream") or "All"
    if stream not in _STREAMS:
        supported = ", ".join(f'"{name}"' for name in _STREAMS)
        message = f'Unsupported value: "{stream}": supported values: {supported}'
        problems.append(Cause("FieldValueNotSupported", message, "stream"))
    elif stream != "All" and first(query, "tailLines"):
        problems.append(_forbidden("`tailLines` and specific `stream` are mutually exclusive for now"))
    if problems:
        raise invalid("", "PodLogOptions", pod_name, problems)
    return urlencode([*wanted, ("stream", stream)])


def _forbidden(why: str) -> Cause:
    return Cause("FieldValueForbidden", f"Forbidden: {why}")


def _integer(value: str) -> int:
    try:
        return parse_int(value)
    except IntegerError as error:
        raise BadRequest(str(error)) from None


def _check_time(value: str) -> None:
    try:
        parse_rfc3339(value)
    except ValueError:
        raise BadRequest(f'parsing time "{value}" as "2006-01-02T15:04:05Z07:00": cannot parse') from None


def exec_query(query: Query) -> str:
    """Of exec and attach."""
    wanted = [(theirs, "1") for ours, theirs in _EXEC.items() if flag(query, ours)]
    return urlencode([*wanted, *(("command", argument) for argument in query.get("command", ()))])


def forward_query(query: Query) -> str:
    """Raises `BadRequest` for what is no port."""
    ports = [port for value in query.get("ports", ()) for port in value.split(",") if port]
    for port in ports:
        _integer(port)
    return urlencode([("port", ",".join(ports))]) if ports else ""
