"""What is said of expressions that cannot be compiled, letter by letter."""

from __future__ import annotations

import pytest

from wherry.machinery.cel.environment import WrongResult
from wherry.machinery.cel.kubernetes import kubernetes
from wherry.machinery.cel.source import CompileError
from wherry.machinery.cel.types import BOOL, NULL, STRING

PRIMARY = (
    "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("missing", "ERROR: <input>:1:1: undeclared reference to 'missing' (in container '')\n | missing\n | ^"),
        ("nope(1)", "ERROR: <input>:1:5: undeclared reference to 'nope' (in container '')\n | nope(1)\n | ....^"),
        ("self.nope", "ERROR: <input>:1:5: undefined field 'nope'\n | self.nope\n | ....^"),
        ("self.name.x", "ERROR: <input>:1:10: type 'string' does not support field selection\n | self.name.x\n | .........^"),
        ("self.name + 1", "ERROR: <input>:1:11: found no matching overload for '_+_' applied to '(string, int)'\n | self.name + 1\n | ..........^"),
        ("self.name.size(1)", "ERROR: <input>:1:15: found no matching overload for 'size' applied to 'string.(int)'\n | self.name.size(1)\n | ..............^"),
        ("self.labels + 1", "ERROR: <input>:1:13: found no matching overload for '_+_' applied to '(map(string, string), int)'\n | self.labels + 1\n | ............^"),
        ("[1, 'a']", "ERROR: <input>:1:5: expected type 'int' but found 'string'\n | [1, 'a']\n | ....^"),
        ("self.replicas.all(x, true)", "ERROR: <input>:1:5: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)\n | self.replicas.all(x, true)\n | ....^"),
        ("self.names.all(x, x)", "ERROR: <input>:1:15: found no matching overload for '_&&_' applied to '(bool, string)'\n | self.names.all(x, x)\n | ..............^"),
        ("self.names.all(x + 1, true)", "ERROR: <input>:1:18: argument must be a simple name\n | self.names.all(x + 1, true)\n | .................^"),
        ("has(self)", "ERROR: <input>:1:5: invalid argument to has() macro\n | has(self)\n | ....^"),
        ("1 +", f"ERROR: <input>:1:4: Syntax error: mismatched input '<EOF>' expecting {PRIMARY}\n | 1 +\n | ...^"),
        ("1 2", "ERROR: <input>:1:2: Syntax error: extraneous input '2' expecting <EOF>\n | 1 2\n | .^".replace("1:2:", "1:3:").replace("| .^", "| ..^")),
        ("(1", "ERROR: <input>:1:3: Syntax error: missing ')' at '<EOF>'\n | (1\n | ..^"),
        ("for == 1", "ERROR: <input>:1:1: reserved identifier: for\n | for == 1\n | ^"),
        ("9223372036854775808", "ERROR: <input>:1:1: invalid int literal\n | 9223372036854775808\n | ^"),
        ("self.name.matches('(')", "ERROR: <input>:1:19: invalid matches argument\n | self.name.matches('(')\n | ..................^"),
        ("duration('1x')", "ERROR: <input>:1:10: invalid duration argument\n | duration('1x')\n | .........^"),
        ("true &&\n  missing", "ERROR: <input>:2:3: undeclared reference to 'missing' (in container '')\n |   missing\n | ..^"),
        ("'é' + missing", "ERROR: <input>:1:7: undeclared reference to 'missing' (in container '')\n | 'é' + missing\n | ......^"),
        ("Thing{a: 1}", "ERROR: <input>:1:6: undeclared reference to 'Thing' (in container '')\n | Thing{a: 1}\n | .....^"),
        ("cel.bind(x, 1, x)", "ERROR: <input>:1:1: undeclared reference to 'cel' (in container '')"),
    ],
)  # fmt: skip
def test_the_error_is_upstreams(environment, text, message):
    with pytest.raises(CompileError) as caught:
        environment.compile(text)
    assert str(caught.value).startswith(message)


def test_every_error_of_an_expression_is_told(environment):
    with pytest.raises(CompileError) as caught:
        environment.compile("self.nope == missing")
    assert [issue.message for issue in caught.value.issues] == [
        "undefined field 'nope'",
        "undeclared reference to 'missing' (in container '')",
    ]


@pytest.mark.parametrize(
    ("text", "result", "message"),
    [
        ("1", BOOL, "must evaluate to bool but got int"),
        ("value", BOOL, "must evaluate to bool but got dyn"),
        ("[true]", (STRING, NULL), "must evaluate to one of [string null_type] but got list(bool)"),
    ],
)
def test_a_result_of_another_type_is_told(environment, text, result, message):
    with pytest.raises(WrongResult) as caught:
        environment.compile(text, result=result)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "text",
    ["(" * 300 + "1" + ")" * 300, "-" * 2 + "(-" * 260 + "1" + ")" * 260, "[" * 260 + "]" * 260, "1" + "+1" * 300, "a" + ".b" * 300],
)  # fmt: skip
def test_nesting_has_a_limit(text):
    with pytest.raises(CompileError, match="expression recursion limit exceeded: 250"):
        kubernetes({}).compile(text)


def test_an_expression_has_a_greatest_length():
    with pytest.raises(CompileError, match="expression code point size exceeds limit: size: 100001, limit 100000"):
        kubernetes({}).compile("1" * 100_001)


def test_loops_in_loops_compile_once():
    text = "[1]" + ".all(x, [x]" * 40 + ".all(x, true)" + ")" * 40
    assert kubernetes({}).compile(text).evaluate({}) is True


def test_as_deep_as_allowed_compiles_and_runs():
    assert kubernetes({}).compile("(" * 150 + "1" + ")" * 150).evaluate({}) == 1
    assert kubernetes({}).compile("1" + "+1" * 240).evaluate({}) == 241
