"""Matching in time that grows with the text only, whatever the pattern: what RE2 promises and Python's engine does not.

Python tries one way after the other, and for `(a+)+$` their number doubles with each character; one object could stop
the API server for hours. Here all ways are followed at once: the states in which a match may be are a set, and what
follows a set and a character is remembered (a deterministic automaton, made as far as it is needed).

Python's own parser takes the pattern apart. What Go does not have (look-around, references to groups) is refused.
Source: Russ Cox, "Regular Expression Matching Can Be Simple And Fast".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

MAX_STATES = 20_000
"""`a{1000}` is a thousand states; Go refuses more than a thousand repetitions in all."""
_MAX_REMEMBERED = 5_000
_MAX_FOLLOWING = 500

Test = Callable[[str], bool]
States = frozenset[int]
Place = tuple[bool, bool, bool, bool]
"""Where in the text: at its begin, at its end, behind a character of a word, before one."""

_BEGIN: Place = (True, False, False, False)
_INSIDE: Place = (False, False, False, False)
_END: Place = (False, True, False, False)

_WORD = re.compile(r"\w", re.ASCII)
_CATEGORIES: dict[Any, Test] = {
    op.CATEGORY_DIGIT: lambda c: "0" <= c <= "9",
    op.CATEGORY_NOT_DIGIT: lambda c: not "0" <= c <= "9",
    op.CATEGORY_SPACE: lambda c: c in "\t\n\f\r ",
    op.CATEGORY_NOT_SPACE: lambda c: c not in "\t\n\f\r ",
    op.CATEGORY_WORD: lambda c: _WORD.match(c) is not None,
    op.CATEGORY_NOT_WORD: lambda c: _WORD.match(c) is None,
}
_PLACES: dict[Any, Callable[[Place], bool]] = {
    op.AT_BEGINNING: lambda place: place[0],
    op.AT_BEGINNING_STRING: lambda place: place[0],
    op.AT_END: lambda place: place[1],
    op.AT_END_STRING: lambda place: place[1],
    op.AT_BOUNDARY: lambda place: place[2] != place[3],
    op.AT_NON_BOUNDARY: lambda place: place[2] == place[3],
}


class NotRegular(ValueError):
    """The pattern has something that no automaton can do, or is too big for one."""


class _Node:
    """A state of the deterministic automaton: what may come next is remembered with it."""

    __slots__ = ("following", "matched", "states", "waiting")

    def __init__(self, states: States, waiting: States, matched: bool) -> None:
        self.states = states
        self.waiting = waiting
        self.matched = matched
        self.following: dict[str, _Node] = {}


class Automaton:
    """A pattern, ready to be searched for in texts. Raises `NotRegular`, `re.error`."""

    def __init__(self, pattern: str) -> None:
        self._tests: list[Test | None] = []
        """By state: the character it waits for; None for states that lead on at once."""
        self._conditions: dict[int, Callable[[Place], bool]] = {}
        self._next: list[list[int]] = []
        self._closures: dict[tuple[States, Place], tuple[States, bool]] = {}
        self._steps: dict[tuple[States, str], States] = {}
        self._nodes: dict[States, _Node] = {}
        self._starts: dict[str, bool] = {}
        self._words = False
        """The pattern asks for the edges of words."""
        parsed = parser.parse(pattern, re.ASCII)
        self._end = self._state()
        self._start = self._sequence(parsed, self._end, parsed.state.flags)

    def search(self, text: str) -> bool:
        """Whether the pattern matches anywhere in the text."""
        if self._words or not text:
            return self._search_with_words(text)
        begin = frozenset((self._start,))
        waiting, matched = self._closure(begin, _BEGIN)
        if matched:
            return True
        node = self._node(self._step(waiting, text[0]))
        for char in text[1:]:
            if node.matched:
                return True
            node = node.following.get(char) or self._follow(node, char)
        return self._closure(node.states | begin, _END)[1]

    def _node(self, states: States) -> _Node:
        """What is known of a set of states inside of a text."""
        node = self._nodes.get(states)
        if node is None:
            if len(self._nodes) >= _MAX_REMEMBERED:
                self._nodes.clear()
            waiting, matched = self._closure(states | {self._start}, _INSIDE)
            node = self._nodes[states] = _Node(states, waiting, matched)
        return node

    def _follow(self, node: _Node, char: str) -> _Node:
        if len(node.following) >= _MAX_FOLLOWING:
            node.following.clear()
        following = node.following[char] = self._node(self._step(node.waiting, char))
        return following

    def _search_with_words(self, text: str) -> bool:
        """The same where it matters whether a character belongs to a word."""
        current: States = frozenset()
        begin = frozenset((self._start,))
        last, before = len(text), False
        for position in range(last + 1):
            char = text[position] if position < last else ""
            after = char != "" and _WORD.match(char) is not None
            place = (position == 0, position == last, before, after)
            waiting, matched = self._closure(current | begin, place)
            if matched:
                return True
            current = self._step(waiting, char) if char else current
            before = after
        return False

    def find(self, text: str, start: int = 0) -> tuple[int, int] | None:
        """Begin and end of the first match from `start` on: of those that begin there, the one that Perl would take.

        Ways are followed in the order of their preference, each once per character (Pike's algorithm).
        """
        if not start and not self.search(text):
            return None  # what is quickly known
        threads: list[tuple[int, int]] = []
        found: tuple[int, int] | None = None
        position, last = start - 1, len(text)
        while position < last and (threads or found is None):
            position += 1
            if found is None:
                if not threads:
                    position = self._next_start(text, position)
                threads.append((self._start, position))
            threads, ended = self._preferred(threads, _place(text, position))
            found = (ended, position) if ended is not None else found
            char = text[position : position + 1]
            tests = self._tests
            threads = [
                (following, begin)
                for state, begin in threads
                if char and (test := tests[state]) is not None and test(char)
                for following in self._next[state]
            ]
        return found

    def _next_start(self, text: str, position: int) -> int:
        """The next place where a match can begin: one whose character is right for it."""
        waiting, matched = self._closure(frozenset((self._start,)), _INSIDE)
        if matched or self._words or not position:
            return position
        starts = self._starts
        if len(starts) >= _MAX_REMEMBERED:
            starts.clear()
        for place in range(position, len(text)):
            char = text[place]
            good = starts.get(char)
            if good is None:
                good = starts[char] = bool(self._step(waiting, char))
            if good:
                return place
        return len(text)

    def _preferred(self, threads: list[tuple[int, int]], place: Place) -> tuple[list[tuple[int, int]], int | None]:
        """The threads that wait for a character, best first, up to one that has ended; and where that one began."""
        seen: set[int] = set()
        waiting: list[tuple[int, int]] = []
        todo = threads[::-1]
        while todo:
            state, begin = todo.pop()
            if state in seen:
                continue
            seen.add(state)
            if state == self._end:
                return waiting, begin
            condition = self._conditions.get(state)
            if self._tests[state] is not None:
                waiting.append((state, begin))
            elif condition is None or condition(place):
                todo += [(following, begin) for following in reversed(self._next[state])]
        return waiting, None

    # -- running

    def _closure(self, states: States, place: Place) -> tuple[States, bool]:
        """Where one can be without taking a character, and whether that is the end."""
        known = self._closures.get((states, place))
        if known is not None:
            return known
        seen, todo = set(states), list(states)
        while todo:
            state = todo.pop()
            condition = self._conditions.get(state)
            if self._tests[state] is not None or (condition is not None and not condition(place)):
                continue
            fresh = [one for one in self._next[state] if one not in seen]
            seen.update(fresh)
            todo += fresh
        waiting = frozenset(state for state in seen if self._tests[state] is not None)
        if len(self._closures) >= _MAX_REMEMBERED:
            self._closures.clear()
        result = self._closures[states, place] = (waiting, self._end in seen)
        return result

    def _step(self, waiting: States, char: str) -> States:
        known = self._steps.get((waiting, char))
        if known is not None:
            return known
        if len(self._steps) >= _MAX_REMEMBERED:
            self._steps.clear()
        tests = self._tests
        taken = (self._next[state] for state in waiting if (test := tests[state]) is not None and test(char))
        result = self._steps[waiting, char] = frozenset(one for states in taken for one in states)
        return result

    # -- building, from the end to the begin

    def _state(self, following: Sequence[int] = (), test: Test | None = None) -> int:
        if len(self._next) >= MAX_STATES:
            raise NotRegular("expression too large")
        self._tests.append(test)
        self._next.append(list(following))
        return len(self._next) - 1

    def _sequence(self, items: Iterable[tuple[Any, Any]], end: int, flags: int) -> int:
        for kind, value in reversed(list(items)):
            end = self._item(kind, value, end, flags)
        return end

    def _item(self, kind: Any, value: Any, end: int, flags: int) -> int:
        if kind is op.SUBPATTERN:
            _, added, removed, inner = value
            return self._sequence(inner, end, (flags | added) & ~removed)
        if kind is op.BRANCH:
            return self._state([self._sequence(branch, end, flags) for branch in value[1]])
        if kind in (op.MAX_REPEAT, op.MIN_REPEAT):
            return self._repeat(value, end, flags, greedy=kind is op.MAX_REPEAT)
        if kind is op.AT:
            return self._at(value, end, flags)
        return self._state((end,), _test_of(kind, value, flags))

    def _repeat(self, value: Any, end: int, flags: int, *, greedy: bool) -> int:
        least, most, inner = value
        if most is op.MAXREPEAT:
            loop = self._state()
            self._next[loop] += [self._sequence(inner, loop, flags), end][:: 1 if greedy else -1]
            entry = loop
        else:
            entry = end
            for _ in range(most - least):
                entry = self._state([self._sequence(inner, entry, flags), end][:: 1 if greedy else -1])
        for _ in range(least):
            entry = self._sequence(inner, entry, flags)
        return entry

    def _at(self, where: Any, end: int, flags: int) -> int:
        if where not in _PLACES or flags & re.MULTILINE:
            raise NotRegular(f"unsupported assertion: {where}")
        state = self._state((end,))
        self._words |= where in (op.AT_BOUNDARY, op.AT_NON_BOUNDARY)
        self._conditions[state] = _PLACES[where]
        return state


def _place(text: str, position: int) -> Place:
    before = position > 0 and _WORD.match(text[position - 1]) is not None
    after = position < len(text) and _WORD.match(text[position]) is not None
    return position == 0, position == len(text), before, after


def _test_of(kind: Any, value: Any, flags: int) -> Test:
    test = _exact_test(kind, value, flags)
    if not flags & re.IGNORECASE:
        return test
    if kind is op.NOT_LITERAL or (kind is op.IN and value[0][0] is op.NEGATE):
        return lambda char: test(char) and test(char.swapcase())
    return lambda char: test(char) or test(char.swapcase())


def _exact_test(kind: Any, value: Any, flags: int) -> Test:
    if kind is op.LITERAL:
        return chr(value).__eq__
    if kind is op.NOT_LITERAL:
        return chr(value).__ne__
    if kind is op.ANY:
        return (lambda char: True) if flags & re.DOTALL else "\n".__ne__
    if kind is op.CATEGORY:
        return _CATEGORIES[value]
    if kind is op.RANGE:
        low, high = map(chr, value)
        return lambda char: low <= char <= high
    if kind is op.IN:
        negated = value[0][0] is op.NEGATE
        tests = [_exact_test(kind, one, flags) for kind, one in value[negated:]]
        return lambda char: any(test(char) for test in tests) is not negated
    raise NotRegular(f"unsupported: {kind}")
