"""Laws of CEL: what is printed parses to the same, nothing but `EvaluationError` comes out, costs only grow."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from wherry.machinery.cel.bounds import MOST
from wherry.machinery.cel.kubernetes import MACROS, kubernetes
from wherry.machinery.cel.parser import parse
from wherry.machinery.cel.source import CompileError
from wherry.machinery.cel.types import DYN, INT, STRING, list_of, map_of, object_type
from wherry.machinery.cel.unparse import unparse
from wherry.machinery.cel.values import CostExceeded, EvaluationError

SELF = object_type(
    "Self",
    {"n": INT.sized(0), "s": STRING.sized(40), "list": list_of(STRING.sized(40), max_size=5), "any": DYN,
     "map": map_of(STRING.sized(0), INT.sized(0), max_size=5)},
    max_size=0,
)  # fmt: skip
ENVIRONMENT = kubernetes({"self": SELF, "x": DYN})
ATOMS = st.sampled_from(
    ["1", "-2", "2u", "0.5", "'a'", "b'a'", "true", "false", "null", "self.n", "self.s", "self.list", "self.map", "self.any",
     "x", "[1, 2]", "{'a': 1}", "[]", "duration('1s')", "timestamp('2020-01-01T00:00:00Z')", "optional.of(1)", "self.?any",
     "quantity('1Gi')", "ip('::1')", "type(1)", "9223372036854775807"]
)  # fmt: skip
BINARY = st.sampled_from(["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "in"])
UNARY = st.sampled_from(
    ["!({})", "-({})", "size({})", "string({})", "int({})", "dyn({})", "({}).a", "has(({}).a)", "({}).?a"]
)
MEMBERS = st.sampled_from(["all", "exists", "exists_one", "map", "filter"])


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(inner, BINARY, inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
        st.tuples(UNARY, inner).map(lambda t: t[0].format(t[1])),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]}) ? ({t[1]}) : ({t[2]})"),
        pair.map(lambda t: f"({t[0]})[{t[1]}]"),
        pair.map(lambda t: f"[{t[0]}, dyn({t[1]})]"),
        st.tuples(inner, MEMBERS, inner).map(lambda t: f"({t[0]}).{t[1]}(x, {t[2]})"),
        pair.map(lambda t: f"({t[0]}).orValue({t[1]})"),
        pair.map(lambda t: f"({t[0]}).contains({t[1]})"),
    )


EXPRESSIONS = st.recursive(ATOMS, _grown, max_leaves=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
SELVES = st.fixed_dictionaries(
    {
        "n": st.integers(-5, 5),
        "s": st.text(max_size=10),
        "list": st.lists(st.text(max_size=10), max_size=5),
        "map": st.dictionaries(st.sampled_from("abc"), st.integers(-5, 5)),
        "any": JSON,
    }
)


def _shape(node: Any) -> Any:
    """A tree without places."""
    if isinstance(node, (list, tuple)):
        return [_shape(each) for each in node]
    if not hasattr(node, "__slots__") or isinstance(node, (int, frozenset)):
        return repr(node)
    names = [name for cls in type(node).__mro__ for name in getattr(cls, "__slots__", ())]
    return [
        type(node).__name__,
        *((name, _shape(getattr(node, name))) for name in names if name not in ("pos", "macro")),
    ]


@settings(max_examples=150, deadline=None)
@given(EXPRESSIONS)
def test_what_is_printed_parses_to_the_same_tree(text: str) -> None:
    tree = parse(text, MACROS)
    assert _shape(parse(unparse(tree), MACROS)) == _shape(tree)


@settings(max_examples=250, deadline=None)
@given(EXPRESSIONS, SELVES, JSON)
def test_a_program_gives_a_value_or_an_evaluation_error_within_its_estimate(text: str, self_: Any, x: Any) -> None:
    try:
        program = ENVIRONMENT.compile(text)
    except CompileError:
        return
    try:
        _, cost = program.measure({"self": self_, "x": x})
    except EvaluationError as error:
        cost = error.cost
    assert 0 <= cost <= MOST
    assert program.cost_estimate().low <= program.cost_estimate().high


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=10), max_size=20), st.text(max_size=10))
def test_more_items_never_cost_less(items: list[str], more: str) -> None:
    program = kubernetes({"self": list_of(STRING)}).compile("self.map(s, s + '!').all(s, s.endsWith('!'))")
    _, before = program.measure({"self": items})
    _, after = program.measure({"self": [*items, more]})
    assert after > before


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 400), st.integers(0, 30))
def test_the_limit_stops_whatever_costs_more(limit: int, length: int) -> None:
    program = kubernetes({"self": list_of(INT)}).compile("self.all(a, self.exists(b, a == b))")
    values = {"self": list(range(length))}
    _, cost = program.measure(values)
    try:
        assert program.measure(values, limit=limit)[1] <= limit
    except CostExceeded:
        assert cost > limit


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30) | st.text("()[]{}.?:!-+*/'\"a1 ,&|=<>bru\\", max_size=30))
def test_any_text_compiles_or_is_refused(text: str) -> None:
    try:
        ENVIRONMENT.compile(text)
    except CompileError as error:
        assert str(error).startswith("ERROR: <input>:")
