"""Expressions (CEL) over claims and users. This server has no engine for them yet, and refuses a configuration with any."""

from __future__ import annotations

from typing import Any

from wherry.api.types import Object
from wherry.apiserver.configuration.problems import ConfigurationError
from wherry.policy.user import User


class ClaimsExpression:
    """An expression over `claims`. Raises `ConfigurationError`."""

    def __init__(self, text: str, path: str) -> None:
        self.text = text
        raise ConfigurationError(f"{path}: expressions are not supported: use claims")

    def value(self, claims: Object) -> Any:
        raise NotImplementedError


class UserExpression:
    """An expression over `user`. Raises `ConfigurationError`."""

    def __init__(self, text: str, path: str) -> None:
        self.text = text
        raise ConfigurationError(f"{path}: expressions are not supported")

    def value(self, user: User) -> Any:
        raise NotImplementedError
