"""Checks that many kinds share: numbers, immutability, choices, addresses, paths."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from wherry.api.semantic import same
from wherry.api.validation.errors import Errors, Plain
from wherry.machinery import names
from wherry.machinery.integers import digits_value

IMMUTABLE = "field is immutable"
NEGATIVE = "must be greater than or equal to 0"
NOT_POSITIVE = "must be greater than zero"


def non_negative(errors: Errors, obj: Mapping[str, Any], path: str, *keys: str) -> None:
    """Numbers that may be missing but not below zero."""
    for key in keys:
        value = obj.get(key)
        if value is not None and value < 0:
            errors.invalid(f"{path}.{key}" if path else key, value, NEGATIVE)


def immutable(errors: Errors, new: Any, old: Any, path: str) -> None:
    if not same(new, old):
        errors.invalid(path, new, IMMUTABLE)


def choice(errors: Errors, value: str | None, path: str, supported: Collection[str]) -> None:
    """A field that must be there and be one of `supported` (given in the order to show)."""
    if not value:
        errors.required(path)
    elif value not in supported:
        errors.not_supported(path, value, supported)


def choice_if_set(errors: Errors, value: str | None, path: str, supported: Collection[str]) -> None:
    if value is not None and value not in supported:
        errors.not_supported(path, value, supported)


def int_or_percent(errors: Errors, value: Any, path: str) -> None:
    """A number not below zero, or a text such as `25%`."""
    if isinstance(value, str):
        for message in names.percent(value):
            errors.invalid(path, Plain(value), message)
    elif value is not None and value < 0:
        errors.invalid(path, value, NEGATIVE)


def at_most_100_percent(errors: Errors, value: Any, path: str) -> None:
    if isinstance(value, str) and value.endswith("%") and (digits_value(value[:-1]) or 0) > 100:
        errors.invalid(path, Plain(value), "must not be greater than 100%")


def percent_or_int(value: Any) -> int:
    """The number in it: 25 for `25%`."""
    if isinstance(value, str):
        return digits_value(value.removesuffix("%")) or 0
    return value or 0


def port_or_name(errors: Errors, value: Any, path: str) -> None:
    if isinstance(value, str):
        errors.each(path, value, names.port_name(value))
    else:
        errors.each(path, value or 0, names.port_number(value or 0))


def qualified_name(errors: Errors, value: str, path: str) -> None:
    errors.each(path, value, names.label_key(value))


def parse_ip(text: Any) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text) if isinstance(text, str) and "%" not in text else None
    except ValueError:
        return None


def ip(errors: Errors, value: Any, path: str) -> bool:
    if parse_ip(value) is not None:
        return True
    errors.invalid(path, value or "", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")
    return False


def cidr(errors: Errors, value: Any, path: str) -> bool:
    try:
        if isinstance(value, str) and "/" in value and value.rpartition("/")[2].isdigit():
            ipaddress.ip_network(value, strict=False)
            return True
    except ValueError:
        pass
    errors.invalid(path, value, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")
    return False


def non_special_ip(errors: Errors, value: str, path: str) -> None:
    """An address of something that traffic can be sent to."""
    address = parse_ip(value)
    if address is None:
        errors.invalid(path, value, "must be a valid IP address")
        return
    multicast = address.is_multicast and address in _LOCAL_MULTICAST[address.version]
    checks = (
        (address.is_unspecified, f"may not be unspecified ({value})"),
        (address.is_loopback and not errors.loopback, "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        (address.is_link_local, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
        (multicast, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"),
    )
    for wrong, text in checks:
        if wrong:
            errors.invalid(path, value, text)


_LOCAL_MULTICAST = {4: ipaddress.ip_network("224.0.0.0/24"), 6: ipaddress.ip_network("ff02::/16")}


def dual_stack(addresses: Iterable[str]) -> bool:
    """Both IP families are there."""
    return len({found.version for found in map(parse_ip, addresses) if found is not None}) == 2


def no_backsteps(errors: Errors, value: str, path: str) -> None:
    if ".." in value.split("/"):
        errors.invalid(path, value, "must not contain '..'")


def descending_path(errors: Errors, value: str, path: str) -> None:
    """A relative path that stays below where it starts."""
    if value.startswith("/"):
        errors.invalid(path, value, "must be a relative path")
    no_backsteps(errors, value, path)


def non_reserved_path(errors: Errors, value: str, path: str) -> None:
    descending_path(errors, value, path)
    if value.startswith("..") and not value.startswith("../"):
        errors.invalid(path, value, "must not start with '..'")


def file_mode(errors: Errors, obj: Mapping[str, Any], key: str, path: str) -> None:
    mode = obj.get(key)
    if mode is not None and not 0 <= mode <= 0o777:
        errors.invalid(f"{path}.{key}", mode, "must be a number between 0 and 0777 (octal), both inclusive")
