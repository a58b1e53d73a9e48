"""The body of an apply: a configuration in YAML or JSON, of the kind that is applied to, of its shape.

Source: k8s.io/apiserver/pkg/endpoints/handlers/patch.go (applyPatcher), managedfields/internal/structuredmerge.go.
"""

from __future__ import annotations

from typing import Any

import orjson

from wherry.api.errors import BadRequest, StatusError
from wherry.api.schema.duplicates import duplicate_fields
from wherry.api.types import Object
from wherry.apiserver.bodies import check_size, duplicates_in_yaml, json_type
from wherry.apiserver.call import Call
from wherry.machinery.fieldsets.checking import problems
from wherry.machinery.fieldsets.shape import Map

_YAML_TO_JSON = "error converting YAML to JSON"


def read_configuration(call: Call, *, field_validation: str) -> Object:
    """A configuration of the caller's own. Raises `BadRequest`, 413."""
    body = call.request.body
    check_size(body)
    config, doubtful = _parsed(body)
    if config is None:
        config = {}
    if not isinstance(config, dict):
        why = f"json: cannot unmarshal {json_type(config)} into Go value of type map[string]interface {{}}"
        raise BadRequest(f"error decoding YAML: error unmarshaling JSON: while decoding JSON: {why}")
    if doubtful and field_validation != "Ignore":
        for problem in duplicates_in_yaml(body):
            if field_validation == "Strict":
                raise BadRequest(f"error strict decoding YAML: {_YAML_TO_JSON}: {problem}")
            call.warn(f"{_YAML_TO_JSON}: {problem}")
    return config


def _parsed(body: bytes) -> tuple[Any, bool]:
    """What the body says, and whether keys may be in it twice. Clients mostly send JSON, which is also YAML."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _parsed_yaml(body), True
    return value, bool(duplicate_fields(body, value))


def _parsed_yaml(body: bytes) -> Any:
    from wherry.machinery.yaml.reader import YamlError, load

    try:
        return load(body)
    except YamlError as error:
        raise BadRequest(f"error decoding YAML: {_YAML_TO_JSON}: yaml: {error}") from error


def check_configuration(shape: Map, config: Object, api_version: str, kind: str) -> None:
    """Raises `BadRequest`, and what upstream has no reason for where the configuration is not of the shape."""
    given, its_kind = config.get("apiVersion") or "", config.get("kind") or ""
    if (given, its_kind) != (api_version, kind):
        raise BadRequest(f"invalid object type: {_group_version_kind(given, its_kind)}")
    metadata = config.get("metadata")
    if isinstance(metadata, dict) and metadata.get("managedFields") is not None:
        raise BadRequest("metadata.managedFields must be nil")
    if why := problems(shape, config):
        names = metadata if isinstance(metadata, dict) else {}
        where = f"{names.get('namespace') or ''}/{names.get('name') or ''}; {_group_version_kind(given, its_kind)}"
        raise StatusError(f"failed to create typed patch object ({where}): {why}")


def _group_version_kind(api_version: Any, kind: Any) -> str:
    version = str(api_version)
    return f"{version if '/' in version else f'/{version}'}, Kind={kind}"
