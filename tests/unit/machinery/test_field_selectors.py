from __future__ import annotations

import pytest

from wherry.machinery.field_selectors import FieldTerm, field_value, parse_fields
from wherry.machinery.selector_grammar import SelectorError

POD = {"metadata": {"name": "a"}, "spec": {"nodeName": "n1", "hostNetwork": True}}


def test_terms_are_sorted_and_unescaped() -> None:
    selector = parse_fields(r"status.phase!=Running,metadata.name==a\,b\=c\\,")
    assert selector.terms == (
        FieldTerm("metadata.name", True, r"a,b=c" + "\\"),
        FieldTerm("status.phase", False, "Running"),
    )
    assert str(selector) == r"metadata.name=a\,b\=c\\,status.phase!=Running"
    assert selector.exact("metadata.name") == "a,b=c\\"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("spec.nodeName=n1", True),
        ("spec.nodeName!=n1", False),
        ("status.phase=", True),
        ("spec.nodeName=", False),
    ],
)
def test_matches(text: str, expected: bool) -> None:
    assert parse_fields(text).matches(POD) is expected


def test_field_value() -> None:
    assert field_value(POD, "spec.hostNetwork") == "true"
    assert field_value(POD, "metadata.name.deeper") == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("abc", "invalid selector: 'abc'; can't understand 'abc'"),
        (r"a=b\c", r"invalid field selector: invalid escape sequence: \c"),
        ("a=b=c", "invalid field selector: unescaped character in value: 61"),
    ],
)
def test_errors(text: str, message: str) -> None:
    with pytest.raises(SelectorError) as caught:
        parse_fields(text)
    assert str(caught.value) == message
