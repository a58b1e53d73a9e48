"""Expressions (CEL) in the API server's own configuration: over a token's claims, the user made of them, a review.

Source: k8s.io/apiserver/pkg/authentication/cel, k8s.io/apiserver/pkg/authorization/cel; KEP-3331, KEP-3221.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from wherry.api.types import Object
from wherry.apiserver.authentication.jwt import TokenError
from wherry.apiserver.configuration.problems import ConfigurationError
from wherry.machinery.cel.environment import Program
from wherry.machinery.cel.kubernetes import kubernetes
from wherry.machinery.cel.source import CompileError
from wherry.machinery.cel.types import BOOL, DYN, STRING, Type, list_of, map_of, object_type
from wherry.machinery.cel.values import EvaluationError
from wherry.policy.user import User

_USER = object_type(
    "kubernetes.UserInfo",
    {
        "username": STRING,
        "uid": STRING,
        "groups": list_of(STRING),
        "extra": map_of(STRING, list_of(STRING)),
    },
)


def _compiled(text: str, path: str, variables: Mapping[str, Type], result: Type | None = None) -> Program:
    try:
        return kubernetes(variables).compile(text, result=result)
    except CompileError as error:
        raise ConfigurationError(f'{path}: Invalid value: "{text}": compilation failed: {error}') from error


class ClaimsExpression:
    """An expression over `claims`. Raises `ConfigurationError`."""

    def __init__(self, text: str, path: str, *, condition: bool = False) -> None:
        self.text = text
        self._program = _compiled(text, path, {"claims": map_of(STRING, DYN)}, BOOL if condition else None)

    def value(self, claims: Object) -> Any:
        """Raises `TokenError`."""
        return _evaluated(self._program, {"claims": claims})


class UserExpression:
    """A condition over `user`. Raises `ConfigurationError`."""

    def __init__(self, text: str, path: str) -> None:
        self.text = text
        self._program = _compiled(text, path, {"user": _USER}, BOOL)

    def value(self, user: User) -> Any:
        """Raises `TokenError`."""
        info = {
            "username": user.name,
            "uid": user.uid,
            "groups": list(user.groups),
            "extra": {key: list(values) for key, values in user.extra.items()},
        }
        return _evaluated(self._program, {"user": info})


def _evaluated(program: Program, bindings: Mapping[str, Any]) -> Any:
    try:
        return program.evaluate(bindings)
    except EvaluationError as error:
        raise TokenError(f"expression '{program.text}' resulted in error: {error}") from error


_REVIEW_FIELDS = {
    "resourceAttributes": ("namespace", "verb", "group", "version", "resource", "subresource", "name"),
    "nonResourceAttributes": ("path", "verb"),
}


def _review_type() -> Type:
    parts = {
        name: object_type(f"kubernetes.{name}", dict.fromkeys(fields, STRING))
        for name, fields in _REVIEW_FIELDS.items()
    }
    user: dict[str, Type] = {"user": STRING, "uid": STRING, "groups": list_of(STRING)}
    user["extra"] = map_of(STRING, list_of(STRING))
    return object_type("kubernetes.SubjectAccessReviewSpec", {**user, **parts})


def review_condition(text: str, path: str) -> Callable[[Object], bool]:
    """A condition over `request`, the spec of a SubjectAccessReview. Raises `ConfigurationError`.

    The condition raises `ValueError` where it cannot be evaluated.
    """
    program = _compiled(text, path, {"request": _review_type()}, BOOL)

    def holds(spec: Object) -> bool:
        try:
            return program.evaluate({"request": _complete(spec)}) is True
        except EvaluationError as error:
            raise ValueError(f"match condition '{text}' resulted in error: {error}") from error

    return holds


def _complete(spec: Object) -> Object:
    """With every field of what it speaks of, as expressions may read empty ones; what it does not speak of stays out."""
    found: Object = {"uid": "", "extra": {}, **spec}
    for name, fields in _REVIEW_FIELDS.items():
        if name in spec:
            found[name] = {**dict.fromkeys(fields, ""), **{k: v for k, v in spec[name].items() if k in fields}}
    return found
