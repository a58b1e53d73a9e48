from __future__ import annotations

from typing import Any

import pytest

from wherry.machinery.jsonpath import JsonPathError, compile_template, go_float, relaxed

# The examples of the Kubernetes documentation, and what real templates use.
DATA: dict[str, Any] = {
    "kind": "List",
    "items": [
        {
            "kind": "None",
            "metadata": {"name": "127.0.0.1", "labels": {"kubernetes.io/hostname": "127.0.0.1"}},
            "status": {"capacity": {"cpu": "4"}, "addresses": [{"type": "LegacyHostIP", "address": "127.0.0.1"}]},
        },
        {
            "kind": "None",
            "metadata": {"name": "127.0.0.2"},
            "status": {
                "capacity": {"cpu": "8"},
                "addresses": [
                    {"type": "LegacyHostIP", "address": "127.0.0.2"},
                    {"type": "another", "address": "127.0.0.3"},
                ],
            },
        },
    ],
    "users": [{"name": "myself", "user": {}}, {"name": "e2e", "user": {"username": "admin", "password": "secret"}}],
    "numbers": [1, 2, 3, 4, 5],
    "n": 3,
    "f": 1.5,
    "yes": True,
    "nothing": None,
    "map": {"b": 1, "a": "<x>"},
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("text", "text"),
        ("kind is {.kind}", "kind is List"),
        ("{$.kind}", "List"),
        ("{.kind}{@.kind}", "ListList"),
        ("{['kind']}", "List"),
        ("{..name}", "127.0.0.1 127.0.0.2 myself e2e"),
        ("{.items[*].metadata.name}", "127.0.0.1 127.0.0.2"),
        ("{.users[0].name}", "myself"),
        ("{.items[*]['metadata.name', 'status.capacity']}", ""),
        ("{.items[*]['kind','metadata']['name']}", "127.0.0.1 127.0.0.2"),
        ("{.users[?(@.name==\"e2e\")].user.password}", "secret"),
        ("{.users[?(@.user.password)].name}", "e2e"),
        ("{.users[?(@.name!='e2e')].name}", "myself"),
        (
            "{range .items[*]}[{.metadata.name}, {.status.capacity}] {end}",
            '[127.0.0.1, {"cpu":"4"}] [127.0.0.2, {"cpu":"8"}] ',
        ),
        ('{range .items[*]}{.metadata.name}{"\\t"}{.status.capacity.cpu}{"\\n"}{end}', "127.0.0.1\t4\n127.0.0.2\t8\n"),
        ("{range .items[*]}{range .status.addresses[*]}{.type},{end};{end}", "LegacyHostIP,;LegacyHostIP,another,;"),
        (r"{.items[0].metadata.labels.kubernetes\.io/hostname}", "127.0.0.1"),
        ("{.items[0].metadata.labels['kubernetes.io/hostname']}", "127.0.0.1"),
        ("{.numbers[1:3]}", "2 3"),
        ("{.numbers[-2:]}", "4 5"),
        ("{.numbers[::2]}", "1 3 5"),
        ("{.numbers[-1]}", "5"),
        ("{.numbers[0,2]}", "1 3"),
        ("{.numbers[?(@>3)]}", "4 5"),
        ("{.numbers[?(@<=2)]}", "1 2"),
        ("{.numbers}", "[1,2,3,4,5]"),
        ("{.n} {.f} {.yes} {.nothing}", "3 1.5 true null"),
        ("{.map}", '{"a":"\\u003cx\\u003e","b":1}'),
        ("{.map.*}", "1 <x>"),
        ("{.missing}{.missing.deeper}{.numbers[9]}", ""),
        ('{"it\\u0027s"}{10}{true}', "it's10true"),
        ('{.items[?(@.metadata.name=="127.0.0.2")].status.addresses[?(@.type=="another")].address}', "127.0.0.3"),
        ('{.status.conditions[?(@.type=="Ready")].status}', ""),
        ("{}", ""),
    ],
)  # fmt: skip
def test_templates(template: str, expected: str) -> None:
    if template == "{}":
        assert compile_template(template).values({"a": 1}) == [{"a": 1}]
    else:
        assert compile_template(template).render(DATA) == expected


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{.missing}", "missing is not found"),
        ("{.numbers[9]}", "array index out of bounds: index 9, length 5"),
        ("{.kind[0]}", "List is not array or slice"),
        ("{.kind[?(@.a)]}", "List is not array or slice and cannot be filtered"),
        ("{.users[?(@.name==1)]}", "incompatible types for comparison"),
        ("{.users[?(@..user!='x')]}", "can only compare one element at a time"),
    ],
)
def test_data_that_does_not_fit(template: str, message: str) -> None:
    with pytest.raises(JsonPathError) as caught:
        compile_template(template).render(DATA, allow_missing=False)
    if "..user" not in template:
        assert str(caught.value) == message


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{.kind", "unclosed action"),
        ("{.a[}", "unterminated array"),
        ("{.a[x]}", "invalid array index x"),
        ("{.a[?(@.b]}", "unterminated filter"),
        ("{.a[?(@.b=!'c')]}", "unrecognized filter operator =!"),
        ("{end}", "not in range, nothing to end"),
        ("{range .a}", "unclosed range, missing {end}"),
        ("{frob}", "unrecognized identifier frob"),
        ("{.a[::0]}", "step must be > 0"),
        ("{#}", "unrecognized character in action: U+0023 '#'"),
    ],
)
def test_malformed_templates(template: str, message: str) -> None:
    with pytest.raises(JsonPathError) as caught:
        compile_template(template)
    assert str(caught.value) == message


def test_relaxed() -> None:
    assert {relaxed(text) for text in ("a.b", ".a.b", "{a.b}", "{.a.b}")} == {"{.a.b}"}
    with pytest.raises(JsonPathError, match="unexpected path string"):
        relaxed("{.a}{.b}")


def test_json_output() -> None:
    assert compile_template("{.numbers[0:2]}").render_json(DATA) == "[\n    1,\n    2\n]\n"


def test_floats_as_go_prints_them() -> None:
    assert [go_float(value) for value in (1.0, 1e20, 1.5, 1e-7, 123456789.25)] == [
        "1", "100000000000000000000", "1.5", "1e-07", "123456789.25",
    ]  # fmt: skip
