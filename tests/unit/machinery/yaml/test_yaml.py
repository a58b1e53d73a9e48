"""YAML as kubectl writes and reads it."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from wherry.machinery.yaml.reader import YamlError, documents, load
from wherry.machinery.yaml.writer import dump, ordered

TEXTS = [
    ("plain words", "plain words"),
    ("", '""'),
    ("yes", '"yes"'),
    ("null", '"null"'),
    ("1", '"1"'),
    ("0x10", '"0x10"'),
    ("1e3", '"1e3"'),
    ("1:30", '"1:30"'),
    ("2026-01-01T00:00:00Z", '"2026-01-01T00:00:00Z"'),
    ("1.2.3.4", "1.2.3.4"),
    ("10m", "10m"),
    ("- x", "'- x'"),
    ("a: b", "'a: b'"),
    ("a:b", "a:b"),
    ("it's # ok", "'it''s # ok'"),
    (" lead", "' lead'"),
    ("%x", "'%x'"),
    ("é", "é"),
    ("tab\t", '"tab\\t"'),
    ("a\nb", "|-\n  a\n  b"),
    ("a\nb\n", "|\n  a\n  b"),
    ("a\n\n", "|+\n  a\n"),
    (" a\n", "|2\n   a"),
    ("a \nb", '"a \\nb"'),
]


@pytest.mark.parametrize(("value", "written"), TEXTS)
def test_style_of_texts(value: str, written: str) -> None:
    assert dump({"k": value}) == f"k: {written}\n"


def test_lists_are_not_indented_and_empty_ones_are_short() -> None:
    value = {"b": [{"x": 1, "y": [1, [2]]}, "s"], "a": {}, "c": [], "d": None, "e": True, "f": 1.5}
    assert dump(value) == 'a: {}\nb:\n- x: 1\n  "y":\n  - 1\n  - - 2\n- s\nc: []\nd: null\ne: true\nf: 1.5\n'


def test_keys_are_in_natural_order() -> None:
    keys = dict.fromkeys(("a10", "a9", "b", "B", "a-b", "a.b", "_", "f:x", "k8s", "a"))
    assert ordered(keys) == ["_", "B", "a", "a-b", "a.b", "a9", "a10", "b", "f:x", "k8s"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON.map(lambda value: {"k": value}))
def test_what_is_written_is_read_back(value: dict[str, object]) -> None:
    [document] = documents(dump(value).encode())
    assert document.value == value


@given(st.text().filter(lambda text: text != "="))  # plain in kubectl's output too, which PyYAML cannot read
def test_texts_are_texts_to_every_reader(value: str) -> None:
    assert yaml.safe_load(dump([value])) == [value]


def test_documents_know_their_lines() -> None:
    found = list(documents(b"# x\na: 1\n---\n---\nb: 2\n"))
    assert [(document.line, document.value) for document in found] == [(2, {"a": 1}), (5, {"b": 2})]


def test_words_mean_what_they_mean_to_kubernetes() -> None:
    [document] = documents(
        b"{a: 0644, b: 0o17, c: 1e3, d: 1:30, e: 2026-01-01, f: yes, g: ~, h: '1', i: !!str 1, j: =}"
    )
    assert document.value == {
        "a": 420, "b": 15, "c": 1000.0, "d": "1:30", "e": "2026-01-01", "f": True, "g": None, "h": "1", "i": "1", "j": "=",
    }  # fmt: skip


def test_anchors_and_merges() -> None:
    [document] = documents(b"a: &x {p: 1}\nb:\n  <<: *x\n  q: 2\n")
    assert document.value == {"a": {"p": 1}, "b": {"p": 1, "q": 2}}


@pytest.mark.parametrize(("text", "message"), [("a: [", "line 2"), ("a: b: c", "line 1"), ("\nx: {{a}}", "line 2")])
def test_errors_tell_the_line(text: str, message: str) -> None:
    with pytest.raises(YamlError, match=message):
        list(documents(text.encode()))


def test_merge_keys_give_what_is_not_said() -> None:
    text = b"base: &base {a: 1, b: 2}\nmade:\n  <<: *base\n  b: 3\nmany:\n  <<: [{a: 5}, *base]\n"
    assert load(text) == {"base": {"a": 1, "b": 2}, "made": {"a": 1, "b": 3}, "many": {"a": 5, "b": 2}}


def test_merging_does_not_grow_with_each_level() -> None:
    levels = [b"a0: &a0 {x: 1}"]
    levels += [b"a%d: &a%d {<<: [%s]}" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 20)) for n in range(1, 30)]
    assert load(b"\n".join(levels))["a29"] == {"x": 1}


@pytest.mark.parametrize(
    ("text", "problem"),
    (
        (b"[" * 300 + b"]" * 300, "exceeded max depth"),
        (b"a: !!binary aGVsbG8=", "line 1: could not determine a constructor"),
        (b"a: !!int many", "invalid literal"),
        (b"a: b: c", "line 1: mapping values are not allowed"),
        (b"{<<: 5}", "line 1: map merge requires map or sequence of maps as the value"),
        (b"\n".join([b"a0: &a0 [x]", *(b"a%d: &a%d [%s]" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 9))]), "document contains excessive aliasing"),
    ),
)  # fmt: skip
def test_what_is_refused(text: bytes, problem: str) -> None:
    with pytest.raises(YamlError, match=problem):
        load(text)
