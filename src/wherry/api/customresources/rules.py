"""The rules of one schema node (`x-kubernetes-validations`), compiled.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/compilation.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from wherry.api.customresources.expression_types import Declared
from wherry.api.customresources.structural import VALIDATIONS, Schema
from wherry.api.validation.errors import quote
from wherry.machinery.cel.environment import Environment, Program
from wherry.machinery.cel.kubernetes import kubernetes
from wherry.machinery.cel.source import CompileError
from wherry.machinery.cel.types import Kind, optional_of

RULE_LIMIT: Final = 10_000_000
DEFINITION_LIMIT: Final = 100_000_000


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `error` and `message_error` say why it, or its message's expression, cannot be compiled."""

    source: Mapping[str, Any]
    program: Program | None
    message: Program | None
    error: str
    message_error: str

    @property
    def uses_old(self) -> bool:
        return self.program is not None and "oldSelf" in self.program.references

    @property
    def optional_old(self) -> bool:
        return bool(self.source.get("optionalOldSelf"))

    @property
    def shown(self) -> str:
        """How errors name the rule: by its message, else by its text."""
        return str(self.source.get("message") or self.source.get("rule") or "").strip()

    @property
    def failed(self) -> str:
        """What is said when it does not hold, if no expression says it."""
        message = self.source.get("message")
        return message.strip() if message else f"failed rule: {self.shown}"


def compile_rules(schema: Schema, self_type: Declared) -> list[Rule]:
    """All rules of the node, in their order; not those of the nodes below."""
    environments: dict[bool, Environment] = {}
    found: list[Rule] = []
    for source in schema.get(VALIDATIONS) or ():
        optional = bool(source.get("optionalOldSelf"))
        if optional not in environments:
            old = optional_of(self_type.type) if optional else self_type.type
            environments[optional] = kubernetes({"self": self_type.type, "oldSelf": old})
        found.append(_compiled(source, environments[optional]))
    return found


def _compiled(source: Mapping[str, Any], environment: Environment) -> Rule:
    text, message_text = source.get("rule") or "", source.get("messageExpression") or ""
    program, error = None, ""
    message, message_error = None, ""
    if text.strip():
        program, error = _program(environment, text, Kind.BOOL, "", "cel expression must evaluate to a bool")
    if message_text and program is not None:
        wrong = "messageExpression must evaluate to a string"
        message, message_error = _program(environment, message_text, Kind.STRING, "messageExpression ", wrong)
    return Rule(source, program, message, error, message_error)


def _program(environment: Environment, text: str, wanted: Kind, prefix: str, wrong: str) -> tuple[Program | None, str]:
    try:
        program = environment.compile(text)
    except CompileError as error:
        return None, f"{prefix}compilation failed: {error}"
    return (program, "") if program.result_type.kind is wanted else (None, wrong)


def go_rule(source: Mapping[str, Any]) -> str:
    """A rule as Go prints the structure, which is how errors show it."""
    texts = {key: quote(source.get(key) or "") for key in ("rule", "message", "messageExpression", "fieldPath")}
    reason = _pointer("*apiextensions.FieldValueErrorReason", source.get("reason"))
    optional = _pointer("*bool", source.get("optionalOldSelf"))
    return (
        f"apiextensions.ValidationRule{{Rule:{texts['rule']}, Message:{texts['message']}, "
        f"MessageExpression:{texts['messageExpression']}, Reason:{reason}, FieldPath:{texts['fieldPath']}, "
        f"OptionalOldSelf:{optional}}}"
    )


def _pointer(type_: str, value: Any) -> str:
    return f"({type_})(nil)" if value is None else f"({type_})(0xc000000000)"


_TOKENS = re.compile(r"\.(?P<name>[^.\[\]]+)|\['(?P<key>(?:\\.|[^'\\])*)'\]")
_UNESCAPED: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "'": "'", "\\": "\\"}


def field_path(schema: Schema, text: str) -> str | None:
    """The path under a node that a rule's `fieldPath` means, as errors show it; None for one that is not there."""
    found, position = "", 0
    while position < len(text):
        match = _TOKENS.match(text, position)
        if match is None:
            return None
        name = match["name"] if match["name"] is not None else _unescape(match["key"])
        if name is None:
            return None
        if schema.get("properties"):
            schema, found = schema["properties"].get(name), f"{found}.{name}"
        elif isinstance(schema.get("additionalProperties"), dict):
            schema, found = schema["additionalProperties"], f"{found}[{name}]"
        else:
            return None
        if schema is None:
            return None
        position = match.end()
    return found


def _unescape(text: str) -> str | None:
    parts = re.split(r"\\(.)", text)
    if any(char not in _UNESCAPED for char in parts[1::2]):
        return None
    return "".join(_UNESCAPED[part] if place % 2 else part for place, part in enumerate(parts))
