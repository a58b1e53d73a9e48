"""What expressions cost: estimated by the sizes that types allow, and when they run."""

from __future__ import annotations

import pytest

from wherry.machinery.cel.bounds import MOST
from wherry.machinery.cel.kubernetes import kubernetes
from wherry.machinery.cel.types import INT, STRING, list_of, map_of, object_type
from wherry.machinery.cel.values import CostExceeded

SELF = object_type(
    "Self",
    {
        "a": INT.sized(0),
        "b": INT.sized(0),
        "s": STRING.sized(100),
        "t": STRING.sized(40),
        "list": list_of(STRING.sized(40), max_size=10),
        "map": map_of(STRING.sized(0), INT.sized(0), max_size=10),
    },
    max_size=0,
)
VALUE = {"a": 1, "b": 2, "s": "x" * 100, "t": "y" * 40, "list": ["z" * 40] * 10, "map": {str(n): n for n in range(10)}}


@pytest.mark.parametrize(
    ("text", "most", "actual"),
    [
        ("self.a <= self.b", 5, 5),
        ("has(self.a)", 1, 1),
        ("self.s.startsWith('xx')", 3, 12),
        ("self.s.contains('xx')", 12, 12),
        ("self.s == self.t", 8, 8),
        ("self.s + self.t == ''", 18, 18),
        ("self.s.matches('^x+$')", 13, 13),
        ("self.list.all(e, e.size() > 0)", 2 + 10 * 6 + 1, 63),
        ("self.list.exists(e, e == 'q')", 2 + 10 * 6 + 1, 63),
        ("self.list.map(e, e.size())", 2 + 10 + 10 * 14 + 1, 153),
        ("self.map.all(k, self.map[k] >= 0)", 2 + 10 * 8 + 1, 83),
        ("'x' in self.list", 12, 12),
        ("self.a > 0 ? self.b : self.b + 1", 6, 5),
        ("self.a > 0 && self.b > 0", 6, 6),
        ("{'a': 1}.a + [1][0]", 31 + 11 + 1, 43),
        ("self.list.isSorted()", 2 + 10 * 5, 42),
        ("self.s.lowerAscii().contains('a')", 2 + 10 + 10, 22),
        ("self.s.replace('x', 'yy').size()", 2 + 20 + 1, 23),
        ("sets.contains(self.list, ['q'])", 2 + 10 + 10 + 1, 23),
        ("format.dns1123Label().validate(self.t).hasValue()", 1 + 2 + 4 * 32 + 1, 1 + 2 + 5 * 8 + 1),
        ("quantity('1') == quantity('1000m')", 1 + 1 + 1, 3),
    ],
)
def test_costs(text, most, actual):
    program = kubernetes({"self": SELF}).compile(text)
    assert program.cost_estimate().high == most
    assert program.measure({"self": VALUE})[1] == actual


@pytest.mark.parametrize(
    ("text", "actual"),
    [
        ("[1, 2, 3].all(x, x < 2)", 10 + 2 * 5 + 2 + 1),
        ("[1, 2, 3].all(x, x < 3)", 10 + 3 * 5 + 1),
        ("[1, 2, 3].exists(x, x == 1)", 10 + 6 + 3 + 1),
        ("[1, 2, 3].exists(x, x == 3)", 10 + 3 * 6 + 1),
    ],
)
def test_a_loop_that_is_decided_costs_what_it_ran(text, actual):
    """A turn is the condition (2 for `all`, 3 for `exists`), the accumulator and the predicate."""
    assert kubernetes({}).compile(text).measure({})[1] == actual


def test_without_bounds_the_estimate_has_no_end():
    program = kubernetes({"self": list_of(STRING)}).compile("self.all(x, self.all(y, x == y))")
    assert program.cost_estimate().high == MOST


def test_an_evaluation_is_stopped_at_its_limit():
    program = kubernetes({"self": list_of(INT)}).compile("self.all(x, self.all(y, x >= 0 || y >= 0))")
    with pytest.raises(CostExceeded, match="operation cancelled: actual cost limit exceeded"):
        program.measure({"self": list(range(1000))}, limit=10_000)


def test_what_is_too_expensive_is_not_absorbed_by_a_decided_result():
    program = kubernetes({"self": list_of(INT)}).compile("self.all(x, x >= 0) || true")
    with pytest.raises(CostExceeded):
        program.measure({"self": list(range(1000))}, limit=100)
