"""A YAML or JSON file of a given kind, as the API server's own configuration files are.

Source: k8s.io/apiserver's loaders, which decode strictly: another kind, version or field is refused.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from wherry.api.types import Object
from wherry.apiserver.configuration.problems import ConfigurationError


def read_file(path: Path) -> bytes:
    """Raises `ConfigurationError`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror or error}") from error


def parse(data: bytes, *, source: str, kind: str, group: str, versions: Collection[str]) -> Object:
    """The file's one object. Raises `ConfigurationError`."""
    from wherry.machinery.yaml.reader import YamlError, load

    try:
        found = load(data)
    except YamlError as error:
        raise ConfigurationError(f"{source}: not YAML: {error}") from error
    if not isinstance(found, dict):
        raise ConfigurationError(f"{source}: not an object: a {kind} is expected")
    api_versions = [f"{group}/{version}" for version in versions]
    if found.get("kind") != kind or found.get("apiVersion") not in api_versions:
        raise ConfigurationError(
            f"{source}: a {kind} of {' or '.join(api_versions)} is expected, "
            f"this is kind {found.get('kind')!r} of {found.get('apiVersion')!r}"
        )
    return found


def section(value: object, path: str) -> Object:
    """A part that must be an object; empty where it is not given. Raises `ConfigurationError`."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigurationError(f"{path}: must be an object")
    return value


def sections(value: object, path: str) -> list[Object]:
    """A part that must be a list of objects. Raises `ConfigurationError`."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise ConfigurationError(f"{path}: must be a list")
    return [section(each, f"{path}[{index}]") for index, each in enumerate(value)]


def texts(value: object, path: str) -> tuple[str, ...]:
    """A part that must be a list of strings. Raises `ConfigurationError`."""
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ConfigurationError(f"{path}: must be a list of strings")
    return tuple(value)


def text(given: Object, field: str, path: str) -> str:
    """A field that must be a string; empty where it is not given. Raises `ConfigurationError`."""
    value: Any = given.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ConfigurationError(f"{path}.{field}: must be a string")
    return value
