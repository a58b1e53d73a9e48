"""The `format`s of strings that are checked; any other format is only a note to readers.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/validation/formats.go, k8s.io/kube-openapi/pkg/validation/strfmt.
"""

from __future__ import annotations

import ipaddress
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import date
from urllib.parse import urlsplit

from wherry.machinery import names

Format = Callable[[str], bool]

_UUID = r"[0-9a-f]{8}-?[0-9a-f]{4}-?%s[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}"
_DATE_TIME = re.compile(
    r"\d{4}-(\d\d)-(\d\d)[Tt ]([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(\.\d+)?([Zz]|[+-]\d\d:?\d\d)?", re.ASCII
)
_HOST = re.compile(
    r"(?:[a-zA-Z0-9](?:[-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?\.)*[a-zA-Z0-9](?:[-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?\.?"
)
_DURATION = re.compile(r"([+-]?(\d+(\.\d*)?|\.\d+)\s*(ns|us|µs|ms|[smhdw]|[a-z]+)\s*)+", re.ASCII)
_EMAIL = re.compile(r"[^@\s<>]+@[^@\s<>]+")


def _matches(pattern: str) -> Format:
    compiled = re.compile(pattern, re.ASCII | re.IGNORECASE)
    return lambda text: compiled.fullmatch(text) is not None


def _parses(parse: Callable[[str], object]) -> Format:
    def check(text: str) -> bool:
        try:
            parse(text)
        except ValueError:
            return False
        return True

    return check


def _date(text: str) -> object:
    if len(text) != 10:
        raise ValueError(text)
    return date.fromisoformat(text)


def _date_time(text: str) -> bool:
    return _DATE_TIME.fullmatch(text) is not None and _parses(_date)(text[:10])


def _uri(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return (bool(parts.scheme) and " " not in text) or text.startswith("/")


def _hostname(text: str) -> bool:
    return 0 < len(text) <= 253 and _HOST.fullmatch(text) is not None


def _network(text: str) -> object:
    if "/" not in text:
        raise ValueError(text)
    return ipaddress.ip_network(text, strict=False)


def _byte(text: str) -> object:
    return b64decode(text, validate=True)


def _luhn(text: str) -> bool:
    digits = [int(char) for char in text if char.isdigit()]
    if not 12 < len(digits) < 20:
        return False
    total = sum(sum(divmod(digit * 2, 10)) if place % 2 else digit for place, digit in enumerate(reversed(digits)))
    return total % 10 == 0


def _isbn10(text: str) -> bool:
    found = re.sub(r"[- ]", "", text)
    if re.fullmatch(r"\d{9}[\dX]", found, re.ASCII) is None:
        return False
    return sum((10 - at) * (10 if char == "X" else int(char)) for at, char in enumerate(found)) % 11 == 0


def _isbn13(text: str) -> bool:
    found = re.sub(r"[- ]", "", text)
    if re.fullmatch(r"\d{13}", found, re.ASCII) is None:
        return False
    return sum(int(char) * (3 if at % 2 else 1) for at, char in enumerate(found)) % 10 == 0


FORMATS: Mapping[str, Format] = {
    "bsonobjectid": _matches("[0-9a-f]{24}"),
    "uri": _uri,
    "email": lambda text: _EMAIL.fullmatch(text) is not None,
    "hostname": _hostname,
    "ipv4": _parses(ipaddress.IPv4Address),
    "ipv6": _parses(ipaddress.IPv6Address),
    "cidr": _parses(_network),
    "mac": _matches(r"([0-9a-f]{2}([:-]))([0-9a-f]{2}\2){4,6}[0-9a-f]{2}|([0-9a-f]{4}\.){2,3}[0-9a-f]{4}"),
    "uuid": _matches(_UUID % "[0-9a-f]"),
    "uuid3": _matches(_UUID % "3"),
    "uuid4": _matches(_UUID % "4"),
    "uuid5": _matches(_UUID % "5"),
    "isbn": lambda text: _isbn10(text) or _isbn13(text),
    "isbn10": _isbn10,
    "isbn13": _isbn13,
    "creditcard": _luhn,
    "ssn": _matches(r"\d{3}[- ]?\d{2}[- ]?\d{4}"),
    "hexcolor": _matches("#?([0-9a-f]{3}|[0-9a-f]{6})"),
    "rgbcolor": _matches(r"rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)"),
    "byte": _parses(_byte),
    "password": lambda text: True,
    "date": _parses(_date),
    "duration": lambda text: _DURATION.fullmatch(text) is not None,
    "datetime": _date_time,
    "date-time": _date_time,
    "k8s-short-name": lambda text: not names.dns1123_label(text),
    "k8s-long-name": lambda text: not names.dns1123_subdomain(text),
}
