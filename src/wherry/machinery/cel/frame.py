"""What the code of a program works on: variables, and the cost so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from wherry.machinery.cel.values import CostExceeded, EvaluationError

Code = Callable[["Frame"], Any]
Piece = tuple[Code, int]
"""Code, and the cost that it has whenever it runs."""


class Frame(dict[str, Any]):
    """The variables of one evaluation, with slots for those of loops."""

    __slots__ = ("cost", "exceeded", "limit")

    def __init__(self, bindings: Mapping[str, Any], limit: int) -> None:
        super().__init__(bindings)
        self.cost = 0
        self.limit = limit
        self.exceeded = False
        """The limit was passed: nothing may absorb the error that says so."""

    def charge(self, cost: int) -> None:
        """Raises `CostExceeded`."""
        self.cost += cost
        if self.cost > self.limit:
            self.exceeded = True
            raise CostExceeded


class Held:
    """A value that is not there yet (`cel.bind`), or an error that a loop carries on."""

    __slots__ = ("_code", "_error")

    def __init__(self, code: Code | None, error: EvaluationError | None = None) -> None:
        self._code = code
        self._error = error

    def get(self, frame: Frame, slot: str) -> Any:
        if self._code is None or self._error is not None:
            raise self._error or EvaluationError("no such attribute")
        try:
            value = frame[slot] = self._code(frame)
        except EvaluationError as error:
            self._error = error
            raise
        return value


def charged(piece: Piece) -> Code:
    """Code that pays for itself when it runs."""
    code, cost = piece
    if not cost:
        return code

    def run(frame: Frame) -> Any:
        frame.cost += cost
        if frame.cost > frame.limit:
            frame.charge(0)
        return code(frame)

    return run
