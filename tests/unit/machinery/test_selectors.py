from __future__ import annotations

import pytest

from wherry.machinery import selectors
from wherry.machinery.selector_grammar import SelectorError
from wherry.machinery.selectors import parse

WEB = {"app": "web", "tier": "front", "n": "5"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True), ("app=web", True), ("app==web", True), ("app!=web", False), ("app in (web,db)", True), ("n>4", True),
        ("app notin (web)", False), ("app", True), ("!app", False), ("!gone", True), ("gone!=x", True), ("n<5", False),
        ("gone notin (a)", True), ("app=web,tier=front", True), ("app=web,tier=back", False), ("gone=", False),
        ("gone in (,a)", False), (" app = web , tier ", True), ("tier>4", False), ("app in (in,notin,web)", True),
    ],
)  # fmt: skip
def test_matches(text: str, expected: bool) -> None:
    assert parse(text).matches(WEB) is expected


def test_an_empty_value_is_not_a_missing_label() -> None:
    assert not parse("app=").matches({})
    assert parse("app=").matches({"app": ""})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a=b,", "found '', expected: identifier after ','"),
        (",a", "found ',', expected: !, identifier, or 'end of string'"),
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        ("a=b c", "found 'c', expected: ',' or 'end of string'"),
        ("a=(", "unable to parse requirement: found '(', expected: identifier"),
        ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("n>x", "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer"),
        (
            "a_=b",
            'unable to parse requirement: <nil>: Invalid value: "a_": name part must consist of alphanumeric characters, '
            "'-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or "
            "'123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
        ),
        (f"a={'x' * 64}", f'unable to parse requirement: values[0][a]: Invalid value: "{"x" * 64}": must be no more than 63 bytes'),
    ],
)  # fmt: skip
def test_errors(text: str, message: str) -> None:
    with pytest.raises(SelectorError) as caught:
        parse(text)
    assert str(caught.value) == message


def test_object_form() -> None:
    selector = selectors.from_object(
        {
            "matchLabels": {"app": "web"},
            "matchExpressions": [
                {"key": "tier", "operator": "In", "values": ["front", "back"]},
                {"key": "x", "operator": "DoesNotExist"},
            ],
        }
    )
    assert selector.matches(WEB)
    assert not selector.matches({"app": "web", "tier": "front", "x": "1"})
    assert str(selector) == "app=web,tier in (back,front),!x"
    assert selector.exact("app") == "web"
    assert selectors.from_object({}).everything
    assert not selectors.from_object(None).matches({})


def test_wrong_object_form() -> None:
    with pytest.raises(SelectorError, match='"Like" is not a valid label selector operator'):
        selectors.from_object({"matchExpressions": [{"key": "a", "operator": "Like"}]})
    with pytest.raises(SelectorError, match="for 'in', 'notin' operators, values set can't be empty"):
        selectors.from_object({"matchExpressions": [{"key": "a", "operator": "In"}]})


def test_from_labels_and_objects() -> None:
    assert selectors.from_labels({"app": "web"}).matches_object({"metadata": {"labels": WEB}})
    assert not selectors.from_labels({"app": "web"}).matches_object({"metadata": {}})
    assert selectors.from_labels(None).everything
