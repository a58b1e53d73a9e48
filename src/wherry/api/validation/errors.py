"""What is wrong with a field: the kinds of error, their texts, and how a validator collects them.

    spec.containers[0].name: Required value
    metadata.name: Invalid value: "Foo": a lowercase RFC 1123 subdomain must consist of ...

Source: k8s.io/apimachinery/pkg/util/validation/field.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from wherry.api.errors import Cause


class ErrorType(StrEnum):
    """The reasons of `metav1.CauseType`."""

    NOT_FOUND = "FieldValueNotFound"
    REQUIRED = "FieldValueRequired"
    DUPLICATE = "FieldValueDuplicate"
    INVALID = "FieldValueInvalid"
    TYPE_INVALID = "FieldValueTypeInvalid"
    NOT_SUPPORTED = "FieldValueNotSupported"
    FORBIDDEN = "FieldValueForbidden"
    TOO_LONG = "FieldValueTooLong"
    TOO_MANY = "FieldValueTooMany"
    INTERNAL = "InternalError"


_TEXTS = {
    ErrorType.NOT_FOUND: "Not found",
    ErrorType.REQUIRED: "Required value",
    ErrorType.DUPLICATE: "Duplicate value",
    ErrorType.INVALID: "Invalid value",
    ErrorType.TYPE_INVALID: "Invalid value",
    ErrorType.NOT_SUPPORTED: "Unsupported value",
    ErrorType.FORBIDDEN: "Forbidden",
    ErrorType.TOO_LONG: "Too long",
    ErrorType.TOO_MANY: "Too many",
    ErrorType.INTERNAL: "Internal error",
}
_WITHOUT_VALUE = {ErrorType.REQUIRED, ErrorType.FORBIDDEN, ErrorType.TOO_LONG, ErrorType.INTERNAL}


WHOLE_OBJECT = "[]"


class Plain(str):
    """A bad value that is shown without quotes: quantities and numbers-or-percentages."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field. `field` is `[]` where the object as a whole is meant, as upstream prints an empty path."""

    type: ErrorType
    field: str
    bad_value: Any = None
    detail: str = ""

    def message(self) -> str:
        """`Invalid value: "x": detail`, without the field."""
        text = _TEXTS[self.type]
        if self.type not in _WITHOUT_VALUE:
            text += f": {shown(self.bad_value)}"
        return f"{text}: {self.detail}" if self.detail else text

    def to_cause(self) -> Cause:
        return Cause(str(self.type), self.message(), self.field)

    def __str__(self) -> str:
        return f"{self.field}: {self.message()}"


class Errors(list[FieldError]):
    """The errors of one object, in the order in which they were found.

    `loopback` lets endpoints be in 127.0.0.0/8, which upstream refuses: clusters without privileges have nothing else.
    """

    def __init__(self, *, loopback: bool = False) -> None:
        super().__init__()
        self.loopback = loopback
        self.warnings: list[str] = []
        """What is wrong, but tolerated because it was so before."""

    def required(self, field: str, detail: str = "") -> None:
        self.append(FieldError(ErrorType.REQUIRED, field, "", detail))

    def invalid(self, field: str, value: Any, detail: str) -> None:
        self.append(FieldError(ErrorType.INVALID, field, value, detail))

    def not_supported(self, field: str, value: Any, supported: Iterable[str]) -> None:
        """`supported` in the order in which it is to be shown."""
        quoted = ", ".join(quote(each) for each in supported)
        self.append(FieldError(ErrorType.NOT_SUPPORTED, field, value, f"supported values: {quoted}" if quoted else ""))

    def forbidden(self, field: str, detail: str) -> None:
        self.append(FieldError(ErrorType.FORBIDDEN, field, "", detail))

    def duplicate(self, field: str, value: Any, detail: str = "") -> None:
        self.append(FieldError(ErrorType.DUPLICATE, field, value, detail))

    def not_found(self, field: str, value: Any, detail: str = "") -> None:
        self.append(FieldError(ErrorType.NOT_FOUND, field, value, detail))

    def too_long(self, field: str, most: int) -> None:
        self.append(FieldError(ErrorType.TOO_LONG, field, "", f"may not be more than {most} bytes"))

    def too_many(self, field: str, count: int, most: int) -> None:
        self.append(FieldError(ErrorType.TOO_MANY, field, count, f"must have at most {most} items"))

    def each(self, field: str, value: Any, messages: Iterable[str]) -> None:
        """One `Invalid value` per message, as the rules of `wherry.machinery.names` give them."""
        for message in messages:
            self.invalid(field, value, message)

    def causes(self) -> list[Cause]:
        return [error.to_cause() for error in self]


def shown(value: Any) -> str:
    """A value as it stands in a message: texts quoted, objects as JSON."""
    if value is None:
        return "null"
    if isinstance(value, Plain):
        return str(value)
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return _json(value)
    return str(value)


def _json(value: Any) -> str:
    import orjson

    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS, default=str).decode()


_ESCAPES = {"\a": r"\a", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v"}
_ESCAPES |= {'"': r"\"", "\\": r"\\"}


def quote(text: str) -> str:
    """A string as Go's `%q` writes it."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(_escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    if known := _ESCAPES.get(char):
        return known
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
