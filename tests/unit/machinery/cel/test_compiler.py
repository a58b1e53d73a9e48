"""What expressions evaluate to: the language itself."""

from __future__ import annotations

import pytest

from wherry.machinery.cel.values import EvaluationError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("self.minReplicas <= self.replicas", True),
        ("1 + 2 * 3 - 4 % 3", 6),
        ("-7 / 2", -3),
        ("-7 % 2", -1),
        ("7u / 2u == 3u", True),
        ("1 < 2.5 && 2u > 1 && 3.0 >= 3u", True),
        ("dyn(1) == 1.0 && dyn(1u) == 1", True),
        ("dyn(true) == 1", False),
        ("dyn([1, 2]) == [1.0, 2.0]", True),
        ("{'a': 1} == {'a': 1}", True),
        ("'a' + 'b' + \"c\"", "abc"),
        ("b'a' + b'\\x62'", b"ab"),
        ("r'\\n'.size()", 2),
        ("'''a\nb'''", "a\nb"),
        ("'\\u00e9\\U0001F600'.size()", 2),
        ("0x1F", 31),
        ("self.replicas > 5 ? 'many' : 'few'", "few"),
        ("{1: 'a', 2: 'b'}[2]", "b"),
        ("{true: 'yes'}[true]", "yes"),
        ("true in {true: 1} && !(false in {true: 1})", True),
        ("'app' in self.labels", True),
        ("'c' in self.names", False),
        ("1 in [true]", None),
        ("value.any.number", 7),
        ("has(value.any.missing) || has(value.any.number)", True),
        ("type(1) == int && type('') == string && type(type(1)) == type", True),
        ("type(timestamp('2020-01-01T00:00:00Z')) == google.protobuf.Timestamp", True),
        ("null == null", True),
    ],
)
def test_values(evaluate, text, value):
    if value is None:
        with pytest.raises(Exception, match="no matching overload"):
            evaluate(text)
        return
    found = evaluate(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("self.names.all(n, n.size() == 1)", True),
        ("self.names.exists(n, n == 'b')", True),
        ("self.names.exists_one(n, n == 'b')", True),
        ("self.names.map(n, n + '!')", ["a!", "b!"]),
        ("self.names.map(n, n == 'a', n + '!')", ["a!"]),
        ("self.names.filter(n, n != 'a')", ["b"]),
        ("self.labels.all(k, self.labels[k] != '')", True),
        ("self.names.all(i, n, i < 2 && n != '')", True),
        ("self.labels.exists(k, v, k == 'app' && v == 'web')", True),
        ("self.names.existsOne(i, n, i == 1)", True),
        ("self.names.transformList(i, n, n + string(i))", ["a0", "b1"]),
        ("self.names.transformList(i, n, i > 0, n)", ["b"]),
        ("self.labels.transformMap(k, v, k + v)", {"app": "appweb", "tier": "tierfront"}),
        ("self.labels.transformMapEntry(k, v, {v: k})", {"web": "app", "front": "tier"}),
        ("[[1, 2], [3]].map(l, l.map(x, x * 2))", [[2, 4], [6]]),
        ("[1, 2].map(x, [3].map(x, x)[0] + x)", [4, 5]),
    ],
)
def test_macros(evaluate, text, value):
    assert evaluate(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 / 0 == 1 || true", True),
        ("true || 1 / 0 == 1", True),
        ("1 / 0 == 1 && false", False),
        ("false && 1 / 0 == 1", False),
        ("[1, 0].exists(x, 1 / x == 1)", True),
        ("[0, 1].exists(x, 1 / x == 1)", True),
        ("[0, 1].all(x, 1 / x == 5)", False),
        ("true ? 1 : 1 / 0", 1),
        ("value.any.list.exists(x, x == 'x')", True),
    ],
)
def test_a_decided_result_absorbs_errors(evaluate, text, value):
    assert evaluate(text) is value or evaluate(text) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 / 0", "division by zero"),
        ("1 % 0", "modulus by zero"),
        ("9223372036854775807 + 1", "integer overflow"),
        ("-9223372036854775808 / -1", "integer overflow"),
        ("-(-9223372036854775808)", "integer overflow"),
        ("0u - 1u", "unsigned integer overflow"),
        ("[1][1]", "index out of bounds: 1"),
        ("{'a': 1}['b']", "no such key: b"),
        ("value.missing", "no such key: missing"),
        ("value.name + 1", "no such overload"),
        ("value.name.missing", "no such overload"),
        ("true && 1 / 0 == 1", "division by zero"),
        ("[1, 0].all(x, 1 / x == 1)", "division by zero"),
        ("{'a': 1, 'a': 2}", "Failed with repeated key: a"),
        ("dyn(1) ? 1 : 2", "no such overload"),
        ("dyn(1).startsWith('a')", "no such overload: startsWith(int, string)"),
    ],
)
def test_errors(evaluate, text, message):
    with pytest.raises(EvaluationError) as caught:
        evaluate(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("value.?any.?number.orValue(0)", 7),
        ("value.?missing.?deeper.orValue(0)", 0),
        ("value.any.list[?1].value()", "x"),
        ("value.any.list[?9].hasValue()", False),
        ("value.any[?'number'].optMap(n, n + 1).value()", 8),
        ("optional.none().optMap(n, n + 1).hasValue()", False),
        ("optional.of(1).optFlatMap(n, optional.of(n + 1)).value()", 2),
        ("[?optional.none(), ?optional.of(2)]", [2]),
        ("{?'a': optional.none(), ?'b': optional.of(2)}", {"b": 2}),
        ("optional.none().or(optional.of(3)).value()", 3),
        ("optional.ofNonZeroValue('').hasValue()", False),
        ("has(optional.of({'a': 1}).a)", True),
        ("optional.of({'a': 1}).a.value()", 1),
        ("optional.unwrap([optional.of(1), optional.none()])", [1]),
    ],
)
def test_optional_values(evaluate, text, value):
    assert evaluate(text) == value
