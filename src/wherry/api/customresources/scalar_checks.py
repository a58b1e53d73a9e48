"""Validation of single strings and numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from wherry.api.customresources.formats import FORMATS
from wherry.api.customresources.structural import Schema
from wherry.api.validation.errors import Errors, ErrorType, FieldError
from wherry.machinery.go_regex import compile_go

ScalarCheck = Callable[[Any, str, Errors], None]


def string_checks(schema: Schema) -> tuple[ScalarCheck, ...]:
    """Raises `GoRegexError` for a pattern that cannot be compiled."""
    checks: list[ScalarCheck] = []
    if (most := schema.get("maxLength")) is not None:
        checks.append(_max_length(most))
    if (least := schema.get("minLength")) is not None:
        checks.append(_min_length(least))
    if pattern := schema.get("pattern"):
        checks.append(_pattern(pattern))
    if (name := schema.get("format") or "") in FORMATS:
        checks.append(_format(name))
    return tuple(checks)


def _max_length(most: int) -> ScalarCheck:
    def check(value: str, path: str, errors: Errors) -> None:
        if len(value) > most:
            errors.too_long(path, most)

    return check


def _min_length(least: int) -> ScalarCheck:
    def check(value: str, path: str, errors: Errors) -> None:
        if len(value) < least:
            errors.invalid(path, value, f"{path} in body should be at least {least} chars long")

    return check


def _pattern(pattern: str) -> ScalarCheck:
    search = compile_go(pattern).search

    def check(value: str, path: str, errors: Errors) -> None:
        if not search(value):
            errors.invalid(path, value, f"{path} in body should match '{pattern}'")

    return check


def _format(name: str) -> ScalarCheck:
    test = FORMATS[name]

    def check(value: str, path: str, errors: Errors) -> None:
        if not test(value):
            detail = f'{path} in body must be of type {name.replace("datetime", "date-time")}: "{value}"'
            errors.append(FieldError(ErrorType.TYPE_INVALID, path, value, detail))

    return check


def number_checks(schema: Schema) -> tuple[ScalarCheck, ...]:
    checks: list[ScalarCheck] = []
    if (factor := schema.get("multipleOf")) is not None:
        checks.append(_multiple_of(factor))
    if (most := schema.get("maximum")) is not None:
        checks.append(_maximum(most, exclusive=bool(schema.get("exclusiveMaximum"))))
    if (least := schema.get("minimum")) is not None:
        checks.append(_minimum(least, exclusive=bool(schema.get("exclusiveMinimum"))))
    return tuple(checks)


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else repr(number)


def _multiple_of(factor: float) -> ScalarCheck:
    def check(value: float, path: str, errors: Errors) -> None:
        times = value / factor
        if not math.isclose(times, round(times), rel_tol=1e-12, abs_tol=1e-12):
            errors.invalid(path, value, f"{path} in body should be a multiple of {_plain(factor)}")

    return check


def _maximum(most: float, *, exclusive: bool) -> ScalarCheck:
    words = "less than" if exclusive else "less than or equal to"

    def check(value: float, path: str, errors: Errors) -> None:
        if value > most or (exclusive and value == most):
            errors.invalid(path, value, f"{path} in body should be {words} {_plain(most)}")

    return check


def _minimum(least: float, *, exclusive: bool) -> ScalarCheck:
    words = "greater than" if exclusive else "greater than or equal to"

    def check(value: float, path: str, errors: Errors) -> None:
        if value < least or (exclusive and value == least):
            errors.invalid(path, value, f"{path} in body should be {words} {_plain(least)}")

    return check
