"""Named formats: `format.dns1123Label().validate(name)`. Source: k8s.io/apiserver/pkg/cel/library/format.go."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from wherry.machinery import names
from wherry.machinery.cel.functions import Library, library
from wherry.machinery.cel.libraries.urls import parse_url
from wherry.machinery.cel.types import STRING, Type, list_of, opaque, optional_of
from wherry.machinery.cel.values import NONE, Opaque, Optional

FORMAT_TYPE: Type = opaque("kubernetes.NamedFormat")
Messages = Callable[[str], list[str]]
_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_DATE_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


class NamedFormat(Opaque):
    __slots__ = ("messages", "name", "regex_size")
    cel_type = FORMAT_TYPE

    def __init__(self, name: str, messages: Messages, regex_size: int) -> None:
        self.name = name
        self.messages = messages
        self.regex_size = regex_size

    def same(self, other: Any) -> bool:
        return isinstance(other, NamedFormat) and self.name == other.name


def _uri(text: str) -> list[str]:
    try:
        parse_url(text)
    except ValueError as error:
        return [str(error)]
    return []


def _byte(text: str) -> list[str]:
    try:
        b64decode(text, validate=True)
    except (Error, ValueError):
        return ["invalid base64"]
    return [] if text else ["invalid base64"]


def _date(text: str) -> list[str]:
    try:
        good = len(text) == 10 and date.fromisoformat(text) is not None
    except ValueError:
        good = False
    return [] if good else ["invalid date"]


def _date_time(text: str) -> list[str]:
    match = _DATE_TIME.fullmatch(text)
    return [] if match and not _date(match[1]) else ["invalid datetime"]


def _uuid(text: str) -> list[str]:
    return [] if _UUID.fullmatch(text) else ["does not match the UUID format"]


def _prefix(check: Callable[[str], Any]) -> Messages:
    """The start of a name, to which something is added: a dash at its end is allowed."""

    def run(text: str) -> list[str]:
        return list(check(f"{text[:-1]}a" if len(text) > 1 and text.endswith("-") else text))

    return run


def _listed(check: Callable[[str], Any]) -> Messages:
    return lambda text: list(check(text))


FORMATS: Mapping[str, NamedFormat] = {
    key: NamedFormat(name, messages, size)
    for key, name, messages, size in (
        ("dns1123Label", "DNS1123Label", _listed(names.dns1123_label), 30),
        ("dns1123Subdomain", "DNS1123Subdomain", _listed(names.dns1123_subdomain), 60),
        ("dns1035Label", "DNS1035Label", _listed(names.dns1035_label), 30),
        ("qualifiedName", "QualifiedName", _listed(names.label_key), 60),
        ("dns1123LabelPrefix", "DNS1123LabelPrefix", _prefix(names.dns1123_label), 30),
        ("dns1123SubdomainPrefix", "DNS1123SubdomainPrefix", _prefix(names.dns1123_subdomain), 60),
        ("dns1035LabelPrefix", "DNS1035LabelPrefix", _prefix(names.dns1035_label), 30),
        ("labelValue", "LabelValue", _listed(names.label_value), 40),
        ("uri", "URI", _uri, 1000),
        ("uuid", "uuid", _uuid, 80),
        ("byte", "byte", _byte, 90),
        ("date", "date", _date, 120),
        ("datetime", "datetime", _date_time, 120),
    )
}


def _validate(found: NamedFormat, text: str) -> Optional:
    messages = found.messages(text)
    return Optional(True, messages) if messages else NONE


def _named(name: str) -> Optional:
    return Optional(True, FORMATS[name]) if name in FORMATS else NONE


def _constant(found: NamedFormat) -> Callable[[], NamedFormat]:
    return lambda: found


LIBRARY: Library = library(
    globals_=[
        ("format.named", "format-named", (STRING,), optional_of(FORMAT_TYPE), _named),
        *((f"format.{name}", f"format.{name}", (), FORMAT_TYPE, _constant(each)) for name, each in FORMATS.items()),
    ],
    members=[("validate", "format-validate", (FORMAT_TYPE, STRING), optional_of(list_of(STRING)), _validate)],
    types={"kubernetes.NamedFormat": FORMAT_TYPE},
)
