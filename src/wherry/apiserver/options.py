"""The query parameters of each verb, checked.

Source: k8s.io/apimachinery/pkg/apis/meta/internalversion/validation and pkg/apis/meta/v1/validation.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from wherry.api.errors import BadRequest, Cause, Invalid, invalid
from wherry.apiserver.call import Call
from wherry.apiserver.request_info import PathInfo
from wherry.machinery.go_duration import DurationError, parse_duration
from wherry.machinery.integers import IntegerError, parse_int

NOT_OLDER_THAN, EXACT = "NotOlderThan", "Exact"
_FIELD_MANAGER_BYTES = 128
FIELD_VALIDATION = ("Ignore", "Strict", "Warn")
_TRUE, _FALSE = (
    frozenset({"1", "t", "T", "true", "TRUE", "True"}),
    frozenset({"0", "f", "F", "false", "FALSE", "False"}),
)


@dataclass(frozen=True, slots=True)
class ListOptions:
    """For list, watch and deletecollection. `send_initial_events` is None where the client did not say."""

    label_selector: str = ""
    field_selector: str = ""
    resource_version: str = ""
    match: str = ""
    limit: int = 0
    continue_: str = ""
    timeout_seconds: int = 0
    bookmarks: bool = False
    send_initial_events: bool | None = None


@dataclass(frozen=True, slots=True)
class WriteOptions:
    dry_run: bool = False
    field_validation: str = "Warn"
    field_manager: str = ""
    force: bool = False


_NO_LIST_OPTIONS = ListOptions()
_NO_WRITE_OPTIONS = WriteOptions()


def boolean(text: str) -> bool:
    """As upstream converts query parameters: present without a value, or anything but a no, is yes."""
    return text not in _FALSE


def integer(text: str) -> int:
    """Raises `BadRequest` with Go's words."""
    if not text:
        return 0
    try:
        return parse_int(text)
    except IntegerError as error:
        raise BadRequest(str(error)) from error


def wants_watch(call_query: dict[str, list[str]]) -> bool:
    values = call_query.get("watch")
    return values is not None and boolean(values[0])


_LONG_RUNNING = frozenset({"attach", "exec", "log", "portforward", "proxy"})


def check_timeout(query: dict[str, list[str]], info: PathInfo, verb: str) -> None:
    """The client's `timeout` must be a span of time, except where a request may last anyway. Raises `BadRequest`."""
    text = query.get("timeout", [""])[0]
    if not text or verb == "watch" or info.subresource in _LONG_RUNNING:
        return
    try:
        parse_duration(text)
    except DurationError as error:
        raise BadRequest(f"invalid timeout specified in the request URL - {error}") from error


def list_options(call: Call, *, watch: bool = False) -> ListOptions:
    """Read and check them. Raises `BadRequest`, `Invalid`."""
    if not call.query:
        return _NO_LIST_OPTIONS
    get = call.parameter
    initial = call.query.get("sendInitialEvents")
    options = ListOptions(
        label_selector=get("labelSelector"),
        field_selector=get("fieldSelector"),
        resource_version=get("resourceVersion"),
        match=get("resourceVersionMatch"),
        limit=max(integer(get("limit")), 0),
        continue_=get("continue"),
        timeout_seconds=integer(get("timeoutSeconds")),
        bookmarks="allowWatchBookmarks" in call.query and boolean(get("allowWatchBookmarks")),
        send_initial_events=None if initial is None else boolean(initial[0]),
    )
    if problems := _watch_problems(options) if watch else _list_problems(options):
        raise invalid("meta.k8s.io", "ListOptions", "", problems)
    return options


def _forbidden(field: str, why: str) -> Cause:
    return Cause("FieldValueForbidden", f"Forbidden: {why}", field)


def _unsupported_match(value: str) -> Cause:
    message = f'Unsupported value: "{value}": supported values: "Exact", "NotOlderThan", ""'
    return Cause("FieldValueNotSupported", message, "resourceVersionMatch")


def _list_problems(options: ListOptions) -> list[Cause]:
    problems: list[Cause] = []
    match = options.match
    if match:
        if not options.resource_version:
            why = "resourceVersionMatch is forbidden unless resourceVersion is provided"
            problems.append(_forbidden("resourceVersionMatch", why))
        if options.continue_:
            why = "resourceVersionMatch is forbidden when continue is provided"
            problems.append(_forbidden("resourceVersionMatch", why))
        if match not in (EXACT, NOT_OLDER_THAN):
            problems.append(_unsupported_match(match))
        if match == EXACT and options.resource_version == "0":
            why = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
            problems.append(_forbidden("resourceVersionMatch", why))
    if options.send_initial_events is not None:
        problems.append(_forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"))
    return problems


def _watch_problems(options: ListOptions) -> list[Cause]:
    problems: list[Cause] = []
    initial = options.send_initial_events is not None
    if options.match and not initial:
        why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
        problems.append(_forbidden("resourceVersionMatch", why))
    if initial and options.match != NOT_OLDER_THAN:
        if options.match:
            problems.append(
                Cause(
                    "FieldValueNotSupported",
                    f'Unsupported value: "{options.match}": supported values: "NotOlderThan"',
                    "resourceVersionMatch",
                )
            )
        else:
            why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
            problems.append(_forbidden("resourceVersionMatch", why))
    return problems


def dry_run(values: list[str], kind: str) -> bool:
    """`dryRun=All`, as often as one likes, nothing else. Raises `Invalid`."""
    if any(value != "All" for value in values):
        shown = "[" + ",".join(f'"{value}"' for value in values) + "]"
        cause = Cause("FieldValueNotSupported", f'Unsupported value: {shown}: supported values: "All"', "dryRun")
        raise options_invalid(kind, [cause])
    return bool(values)


def options_invalid(kind: str, causes: list[Cause]) -> Invalid:
    return invalid("meta.k8s.io", kind, "", causes)


def write_options(call: Call, kind: str) -> WriteOptions:
    """For create, update and patch; `kind` is `CreateOptions` and so on. Raises `Invalid`."""
    if not call.query:
        return _NO_WRITE_OPTIONS
    validation = call.parameter("fieldValidation") or "Warn"
    if validation not in FIELD_VALIDATION:
        message = f'Unsupported value: "{validation}": supported values: "", "Ignore", "Strict", "Warn"'
        raise options_invalid(kind, [Cause("FieldValueNotSupported", message, "fieldValidation")])
    return WriteOptions(
        dry_run=dry_run(call.query.get("dryRun", []), kind),
        field_validation=validation,
        field_manager=_field_manager(call.parameter("fieldManager"), kind),
    )


def patch_options(call: Call, *, apply: bool) -> WriteOptions:
    """`PatchOptions`, with what an apply must and only an apply may say. Raises `Invalid`."""
    options = write_options(call, "PatchOptions")
    given = call.query.get("force", [])
    if not apply:
        if given:
            why = "Forbidden: may not be specified for non-apply patch"
            raise options_invalid("PatchOptions", [Cause("FieldValueForbidden", why, "force")])
        return options
    if not options.field_manager:
        why = "Required value: is required for apply patch"
        raise options_invalid("PatchOptions", [Cause("FieldValueRequired", why, "fieldManager")])
    return replace(options, force=bool(given and boolean(given[0])))


def _field_manager(name: str, kind: str) -> str:
    """Raises `Invalid` for a name that is too long or has characters that nobody can see."""
    problems = []
    if len(name.encode()) > _FIELD_MANAGER_BYTES:
        why = f"Too long: may not be more than {_FIELD_MANAGER_BYTES} bytes"
        problems.append(Cause("FieldValueTooLong", why, "fieldManager"))
    for position, character in enumerate(name):
        if not character.isprintable():
            shown = f"invalid character U+{ord(character):04X} (at position {position})"
            why = f"Invalid value: {json.dumps(name)}: {shown}"
            problems.append(Cause("FieldValueInvalid", why, "fieldManager"))
    if problems:
        raise options_invalid(kind, problems)
    return name
