"""The code of single nodes, made of the code of their parts: see `compiler`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wherry.machinery.cel.frame import Code, Frame, Held
from wherry.machinery.cel.values import NONE, EvaluationError, Optional, as_key, from_key, no_overload


def read(name: str) -> Code:
    def run(frame: Frame) -> Any:
        try:
            return frame[name]
        except KeyError:
            raise EvaluationError(f"no such attribute(s): {name}") from None

    return run


def read_held(slot: str) -> Code:
    def run(frame: Frame) -> Any:
        value = frame[slot]
        if value.__class__ is Held:
            return value.get(frame, slot)
        return value

    return run


def field(operand: Code, name: str) -> Code:
    def run(frame: Frame) -> Any:
        try:
            return operand(frame)[name]
        except KeyError:
            raise EvaluationError(f"no such key: {name}") from None

    return run


def dynamic_field(operand: Code, name: str) -> Code:
    def run(frame: Frame) -> Any:
        found = operand(frame)
        if isinstance(found, Mapping):
            try:
                return found[name]
            except KeyError:
                raise EvaluationError(f"no such key: {name}") from None
        if found.__class__ is Optional:
            return select_in(found, name)
        raise no_overload()

    return run


def presence(operand: Code, name: str) -> Code:
    def run(frame: Frame) -> bool:
        found = operand(frame)
        if found.__class__ is Optional:
            found = found.value
            if found is None:
                return False
        if isinstance(found, Mapping):
            return name in found
        raise no_overload()

    return run


def optional_select(operand: Code, name: str) -> Code:
    return lambda frame: select_in(operand(frame), name)


def select_in(found: Any, name: str) -> Optional:
    if found.__class__ is Optional:
        if not found.present:
            return NONE
        found = found.value
    if not isinstance(found, Mapping):
        raise no_overload()
    return Optional(True, found[name]) if name in found else NONE


def unwrapped(value: Any) -> Optional:
    if value.__class__ is not Optional:
        raise no_overload()
    return value


def sure_logic(left: Code, right: Code, stop: bool) -> Code:
    """Both sides are boolean, or fail; the failure of one does not matter if the other decides."""

    def run(frame: Frame) -> Any:
        try:
            found = left(frame)
        except EvaluationError as error:
            if frame.exceeded:
                raise
            if right(frame) is stop:
                return stop
            raise error
        return stop if found is stop else right(frame)

    return run


def unsure_logic(left: Code, right: Code, stop: bool) -> Code:
    def run(frame: Frame) -> Any:
        failed: EvaluationError | None = None
        try:
            found = left(frame)
            if found is stop:
                return stop
            if found.__class__ is not bool:
                failed = no_overload()
        except EvaluationError as error:
            if frame.exceeded:
                raise
            failed = error
        found = right(frame)
        if found is stop:
            return stop
        if failed is not None:
            raise failed
        if found.__class__ is not bool:
            raise no_overload()
        return found

    return run


def bound(slot: str, value: Code, body: Code) -> Code:
    """The value is computed when it is first asked for, if it is."""

    def run(frame: Frame) -> Any:
        frame[slot] = Held(value)
        return body(frame)

    return run


def append(accu: str, added: Code) -> Code:
    def run(frame: Frame) -> Any:
        found = frame[accu]
        if found.__class__ is Held:
            return found.get(frame, accu)
        found += added(frame)
        return found

    return run


def insert(accu: str, added: list[Code]) -> Code:
    def run(frame: Frame) -> Any:
        found = frame[accu]
        if found.__class__ is Held:
            return found.get(frame, accu)
        values = [code(frame) for code in added]
        entries = {as_key(values[0]): values[1]} if len(values) == 2 else values[0]
        if not isinstance(entries, Mapping):
            raise no_overload()
        for key, value in entries.items():
            if key in found:
                raise EvaluationError(f"insert failed: key {from_key(key)} already exists")
            found[key] = value
        return found

    return run
