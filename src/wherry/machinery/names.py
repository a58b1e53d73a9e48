"""What a name may look like: DNS labels and subdomains, label keys and values, port names, and their kin.

Every rule is a function from the text to the messages that say what is wrong with it; no messages means it is fine.
The texts are part of the API. Source: k8s.io/apimachinery/pkg/util/validation, pkg/api/validate/content; RFC 1035,
RFC 1123.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

Messages = tuple[str, ...]

LABEL_MAX: Final = 63
SUBDOMAIN_MAX: Final = 253

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_UNDERSCORED = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_SUBDOMAIN_UNDERSCORED = rf"{_UNDERSCORED}(\.{_UNDERSCORED})*"
_WILDCARD = rf"\*\.{_SUBDOMAIN}"
_KEY = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE = f"({_KEY})?"
_C_IDENTIFIER = "[A-Za-z_][A-Za-z0-9_]*"
_CONFIG_KEY = "[-._a-zA-Z0-9]+"
_PERCENT = "[0-9]+%"
_HEADER = "[-A-Za-z0-9]+"
_HTTP_PATH = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"

_label, _subdomain, _label_1035 = (re.compile(text, re.ASCII).fullmatch for text in (_LABEL, _SUBDOMAIN, _LABEL_1035))
_subdomain_underscored, _wildcard = (re.compile(text).fullmatch for text in (_SUBDOMAIN_UNDERSCORED, _WILDCARD))
_key, _value, _config_key = (re.compile(text).fullmatch for text in (_KEY, _VALUE, _CONFIG_KEY))
_c_identifier, _percent, _header = (re.compile(text).fullmatch for text in (_C_IDENTIFIER, _PERCENT, _HEADER))
_http_path = re.compile(_HTTP_PATH).fullmatch
_port_name, _letter = re.compile("[-a-z0-9]+").fullmatch, re.compile("[a-z]").search

_ALNUM = "must start and end with an alphanumeric character"
_LABEL_TEXT = f"a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and {_ALNUM}"
_SUBDOMAIN_TEXT = (
    f"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and {_ALNUM}"
)
_UNDERSCORED_TEXT = (
    f"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and {_ALNUM}"
)
_LABEL_1035_TEXT = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', "
    "start with an alphabetic character, and end with an alphanumeric character"
)
_WILDCARD_TEXT = (
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of "
    "lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character"
)
_KEY_TEXT = f"must consist of alphanumeric characters, '-', '_' or '.', and {_ALNUM}"
_VALUE_TEXT = (
    f"a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and {_ALNUM}"
)
_CONFIG_KEY_TEXT = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
_C_IDENTIFIER_TEXT = (
    "a valid C identifier must start with alphabetic character or '_', "
    "followed by a string of alphanumeric characters or '_'"
)
_ENV_TEXT = "a valid environment variable name must consist only of printable ASCII characters other than '='"


def too_long(most: int) -> str:
    return f"must be no more than {most} characters"


def too_many_bytes(most: int) -> str:
    return f"must be no more than {most} bytes"


def between(low: int, high: int) -> str:
    return f"must be between {low} and {high}, inclusive"


def by_regex(text: str, regex: str, *examples: str) -> str:
    """`text (e.g. 'a',  or 'b', regex used for validation is '...')`; the odd comma is upstream's."""
    shown = " or ".join(f"'{example}', " for example in examples)
    return f"{text} ({f'e.g. {shown}' if examples else ''}regex used for validation is '{regex}')"


def dns1123_label(value: str) -> Messages:
    messages = [too_long(LABEL_MAX)] if len(value) > LABEL_MAX else []
    if not _label(value):
        dotted = _subdomain(value) is not None
        messages.append("must not contain dots" if dotted else by_regex(_LABEL_TEXT, _LABEL, "my-name", "123-abc"))
    return tuple(messages)


def dns1123_subdomain(value: str) -> Messages:
    if len(value) <= SUBDOMAIN_MAX and _subdomain(value):
        return ()
    messages = [too_long(SUBDOMAIN_MAX)] if len(value) > SUBDOMAIN_MAX else []
    if not _subdomain(value):
        messages.append(by_regex(_SUBDOMAIN_TEXT, _SUBDOMAIN, "example.com"))
    return tuple(messages)


def dns1123_subdomain_underscored(value: str) -> Messages:
    messages = [too_long(SUBDOMAIN_MAX)] if len(value) > SUBDOMAIN_MAX else []
    if not _subdomain_underscored(value):
        messages.append(by_regex(_UNDERSCORED_TEXT, _SUBDOMAIN_UNDERSCORED, "example.com"))
    return tuple(messages)


def dns1035_label(value: str) -> Messages:
    messages = [too_long(LABEL_MAX)] if len(value) > LABEL_MAX else []
    if not _label_1035(value):
        messages.append(by_regex(_LABEL_1035_TEXT, _LABEL_1035, "my-name", "abc-123"))
    return tuple(messages)


def wildcard_subdomain(value: str) -> Messages:
    messages = [too_long(SUBDOMAIN_MAX)] if len(value) > SUBDOMAIN_MAX else []
    if not _wildcard(value):
        messages.append(by_regex(_WILDCARD_TEXT, _WILDCARD, "*.example.com"))
    return tuple(messages)


@lru_cache(maxsize=8192)
def label_key(value: str) -> Messages:
    """A key of a label, annotation or resource; also called a qualified name: `[subdomain/]name`."""
    parts = value.split("/")
    if len(parts) > 2:
        text = by_regex(_KEY_TEXT, _KEY, "MyName", "my.name", "123-abc")
        return (f"a valid label key {text} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",)
    messages = _key_prefix(parts[0]) if len(parts) == 2 else []
    name = parts[-1]
    if not name:
        messages.append("name part must be non-empty")
    elif len(name) > LABEL_MAX:
        messages.append(f"name part {too_many_bytes(LABEL_MAX)}")
    if not _key(name):
        messages.append(f"name part {by_regex(_KEY_TEXT, _KEY, 'MyName', 'my.name', '123-abc')}")
    return tuple(messages)


def _key_prefix(prefix: str) -> list[str]:
    if not prefix:
        return ["prefix part must be non-empty"]
    messages = [too_many_bytes(SUBDOMAIN_MAX)] if len(prefix) > SUBDOMAIN_MAX else []
    if not _subdomain(prefix):
        messages.append(by_regex(_SUBDOMAIN_TEXT, _SUBDOMAIN, "example.com"))
    return [f"prefix part {message}" for message in messages]


@lru_cache(maxsize=8192)
def label_value(value: str) -> Messages:
    messages = [too_many_bytes(LABEL_MAX)] if len(value.encode()) > LABEL_MAX else []
    if not _value(value):
        messages.append(by_regex(_VALUE_TEXT, _VALUE, "MyValue", "my_value", "12345"))
    return tuple(messages)


def c_identifier(value: str) -> Messages:
    if _c_identifier(value):
        return ()
    return (by_regex(_C_IDENTIFIER_TEXT, _C_IDENTIFIER, "my_name", "MY_NAME", "MyName"),)


def config_key(value: str) -> Messages:
    """A key of a ConfigMap or Secret."""
    if len(value) <= SUBDOMAIN_MAX and _config_key(value) and not value.startswith("."):
        return ()
    messages = [too_long(SUBDOMAIN_MAX)] if len(value) > SUBDOMAIN_MAX else []
    if not _config_key(value):
        messages.append(by_regex(_CONFIG_KEY_TEXT, _CONFIG_KEY, "key.name", "KEY_NAME", "key-name"))
    return (*messages, *_up_a_directory(value))


def _up_a_directory(value: str) -> Messages:
    if value in (".", ".."):
        return (f"must not be '{value}'",)
    return ("must not start with '..'",) if value.startswith("..") else ()


def env_name(value: str) -> Messages:
    """An environment variable: printable ASCII other than '='."""
    if not value:
        return ("environment variable name must be non-empty",)
    return () if all(" " <= char <= "~" and char != "=" for char in value) else (_ENV_TEXT,)


def port_name(value: str) -> Messages:
    """An IANA service name (RFC 6335), in lower case."""
    checks = (
        (len(value) <= 15, too_long(15)),
        (_port_name(value), "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"),
        (_letter(value), "must contain at least one letter (a-z)"),
        ("--" not in value, "must not contain consecutive hyphens"),
        (not (value.startswith("-") or value.endswith("-")), "must not begin or end with a hyphen"),
    )
    return tuple(text for holds, text in checks if not holds)


def port_number(value: int) -> Messages:
    return () if 1 <= value <= 65535 else (between(1, 65535),)


def percent(value: str) -> Messages:
    if _percent(value):
        return ()
    text = "a valid percent string must be a numeric string followed by an ending '%'"
    return (by_regex(text, _PERCENT, "1%", "93%"),)


def http_header(value: str) -> Messages:
    if _header(value):
        return ()
    text = "a valid HTTP header must consist of alphanumeric characters or '-'"
    return (by_regex(text, _HEADER, "X-Header-Name"),)


def http_path(value: str) -> Messages:
    return () if _http_path(value) else (by_regex("Invalid path", _HTTP_PATH),)


def path_segment(value: str) -> Messages:
    """A name that is only used as a segment of a URL path, as those of roles."""
    if value in (".", ".."):
        return (f"may not be '{value}'",)
    return tuple(f"may not contain '{part}'" for part in ("/", "%") if part in value)
