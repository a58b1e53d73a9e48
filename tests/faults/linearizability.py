"""Whether what clients saw of one register can be put in an order: each operation at a moment between call and answer.

The search is that of Wing and Gong with Lowe's memory of what was tried. An operation without an answer (its server was
killed) may have happened at any moment after its call, or never.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

NEVER = float("inf")
Value = str | None
"""What the register holds; None: it does not exist."""
Outcome = Literal["done", "exists", "conflict", "missing", "unknown"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of one client.

    `read` saw `value`; `create` makes it; `replace` puts it in the place of `expected`; `delete` removes what is there.
    """

    kind: Literal["read", "create", "replace", "delete"]
    called: float
    answered: float
    outcome: Outcome = "done"
    value: Value = None
    expected: Value = None


class Impossible(Exception):
    """The operation cannot have had this outcome in this state."""


def after(operation: Operation, state: Value) -> Value:
    """The state behind an operation. Raises `Impossible`."""
    if operation.kind == "read":
        return _where(state == operation.value, state)
    if operation.kind == "create":
        would, value, refusal = state is None, operation.value, "exists"
    elif operation.kind == "replace":
        would, value = state == operation.expected, operation.value
        refusal = "missing" if state is None else "conflict"
    else:
        would, value, refusal = state is not None, None, "missing"
    if operation.outcome == "unknown":
        return value if would else state
    return _where(operation.outcome == ("done" if would else refusal), value if would else state)


def _where(possible: bool, state: Value) -> Value:
    if not possible:
        raise Impossible
    return state


def linearizable(history: Sequence[Operation]) -> bool:
    """Whether some order explains it, beginning with no register."""
    operations = sorted(history, key=lambda one: one.called)
    required = sum(1 << n for n, one in enumerate(operations) if one.outcome != "unknown")
    seen: set[tuple[int, Value]] = set()
    stack: list[tuple[int, Value, int]] = [(0, None, 0)]
    while stack:
        done, state, first = stack.pop()
        if done & required == required:
            return True
        while done >> first & 1:
            first += 1
        for number in _possible_next(operations, done, first):
            try:
                reached = done | 1 << number, after(operations[number], state)
            except Impossible:
                continue
            if reached not in seen:
                seen.add(reached)
                stack.append((*reached, first))
    return False


def _possible_next(operations: Sequence[Operation], done: int, first: int) -> list[int]:
    """Those that no other one, not yet put in order, was over before."""
    found: list[int] = []
    bound = NEVER
    for number in range(first, len(operations)):
        one = operations[number]
        if one.called > bound:
            break
        if not done >> number & 1:
            found.append(number)
            bound = min(bound, one.answered)
    return [number for number in reversed(found) if operations[number].called <= bound]
