from __future__ import annotations

import pytest

from wherry.machinery import names

SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
KEY = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)


@pytest.mark.parametrize(
    ("rule", "value", "messages"),
    [
        (names.dns1123_label, "my-name", ()),
        (names.dns1123_label, "a.b", ("must not contain dots",)),
        (names.dns1123_label, "A", (LABEL,)),
        (names.dns1123_label, "a" * 64, ("must be no more than 63 characters",)),
        (names.dns1123_subdomain, "a.b-c.d", ()),
        (names.dns1123_subdomain, "Foo", (SUBDOMAIN,)),
        (names.dns1123_subdomain, "a\n", (SUBDOMAIN,)),
        (names.dns1123_subdomain, "a" * 254, ("must be no more than 253 characters",)),
        (names.label_key, "example.com/Name", ()),
        (names.label_key, "/a", ("prefix part must be non-empty",)),
        (names.label_key, "", ("name part must be non-empty", KEY)),
        (names.label_key, "a" * 64, ("name part must be no more than 63 bytes",)),
        (names.label_key, "-a", (KEY,)),
        (names.label_value, "", ()),
        (names.label_value, "x" * 64, ("must be no more than 63 bytes",)),
        (names.config_key, ".hidden", ()),
        (names.config_key, "..data", ("must not start with '..'",)),
        (names.config_key, "..", ("must not be '..'",)),
        (names.env_name, "1 strange name", ()),
        (names.env_name, "", ("environment variable name must be non-empty",)),
        (names.port_name, "http", ()),
        (names.port_name, "80", ("must contain at least one letter (a-z)",)),
        (names.port_name, "a--b-", ("must not contain consecutive hyphens", "must not begin or end with a hyphen")),
        (names.port_number, 0, ("must be between 1 and 65535, inclusive",)),
        (names.path_segment, "system:a/b", ("may not contain '/'",)),
        (names.path_segment, "..", ("may not be '..'",)),
    ],
)
def test_names(rule, value, messages):
    assert rule(value) == messages


@pytest.mark.parametrize("value", ["A_b", "1"])
def test_each_rule_prints_its_regex(value):
    rules = (names.dns1035_label, names.wildcard_subdomain, names.percent)
    assert all("regex used for validation is" in rule(value)[0] for rule in rules)
