"""What is wrong with a configuration file, told all at once and with the path of each field.

Source: k8s.io/apimachinery/pkg/util/validation/field (the wording).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any


class ConfigurationError(Exception):
    """A configuration file that cannot be used; the message names the file and each problem in it."""


class Problems:
    """Collects problems. `check` raises `ConfigurationError` if there are any."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: list[str] = []

    def required(self, path: str, detail: str = "") -> None:
        self._found.append(f"{path}: Required value" + (f": {detail}" if detail else ""))

    def invalid(self, path: str, value: object, detail: str) -> None:
        self._found.append(f"{path}: Invalid value: {json.dumps(value, default=str)}: {detail}")

    def duplicate(self, path: str, value: object) -> None:
        self._found.append(f"{path}: Duplicate value: {json.dumps(value, default=str)}")

    def unsupported(self, path: str, value: object, known: Collection[str]) -> None:
        shown = ", ".join(json.dumps(each) for each in sorted(known))
        self._found.append(f"{path}: Unsupported value: {json.dumps(value, default=str)}: supported values: {shown}")

    def fields(self, path: str, given: Mapping[str, Any], known: Collection[str]) -> None:
        """Nothing but the known fields may be there: a misspelt rule must not be a rule that is missing."""
        for name in given:
            if name not in known:
                self._found.append(f'unknown field "{path + "." if path else ""}{name}"')

    def check(self, source: str) -> None:
        """Raises `ConfigurationError`."""
        if not self._found:
            return
        shown = self._found[0] if len(self._found) == 1 else f"[{', '.join(self._found)}]"
        raise ConfigurationError(f"{source}: {shown}")
