"""Config maps and secrets: keys, size, required keys per type, immutability.

Source: `ValidateConfigMap`, `ValidateSecret`.
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Mapping

from wherry.api.types import Object
from wherry.api.validation.errors import WHOLE_OBJECT, Errors
from wherry.api.validation.fields import immutable
from wherry.api.validation.rules import Rules
from wherry.machinery import names
from wherry.machinery.go_json import go_json_error

MAX_SIZE = 1024 * 1024
_FIXED = "field is immutable when `immutable` is set"
_ACCOUNT = "kubernetes.io/service-account.name"
_REQUIRED_KEYS = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}


def config_map(errors: Errors, obj: Object) -> None:
    data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
    size = 0
    for key, value in data.items():
        if messages := names.config_key(key):
            errors.each(f"data[{key}]", key, messages)
        if key in binary:
            errors.invalid(f"data[{key}]", key, "duplicate of key present in binaryData")
        size += len(value or "")
    for key, value in binary.items():
        if messages := names.config_key(key):
            errors.each(f"binaryData[{key}]", key, messages)
        size += decoded_size(value)
    # Characters are at least bytes; only what comes near the limit is counted exactly.
    if size * 4 > MAX_SIZE and size + _wide(data) > MAX_SIZE:
        errors.too_long(WHOLE_OBJECT, MAX_SIZE)


def _wide(data: Mapping[str, str]) -> int:
    """The bytes that UTF-8 needs beyond one per character."""
    return sum(len(value.encode()) - len(value) for value in data.values() if value and not value.isascii())


def decoded_size(value: str | None) -> int:
    """The number of bytes that base64 text stands for."""
    text = value or ""
    return len(text) * 3 // 4 - text.count("=", -2) if text else 0


def update_config_map(errors: Errors, new: Object, old: Object) -> None:
    _sealed(errors, new, old, ("data", "binaryData"))
    config_map(errors, new)


def _sealed(errors: Errors, new: Object, old: Object, keys: tuple[str, ...]) -> None:
    if not old.get("immutable"):
        return
    if not new.get("immutable"):
        errors.forbidden("immutable", _FIXED)
    for key in keys:
        if (new.get(key) or {}) != (old.get(key) or {}):
            errors.forbidden(key, _FIXED)


def secret(errors: Errors, obj: Object) -> None:
    data = obj.get("data") or {}
    size = 0
    for key, value in data.items():
        if messages := names.config_key(key):
            errors.each(f"data[{key}]", key, messages)
        size += decoded_size(value)
    if size > MAX_SIZE:
        errors.too_long("data", MAX_SIZE)
    _by_type(errors, obj, data)


def _by_type(errors: Errors, obj: Object, data: Mapping[str, str]) -> None:
    kind = obj.get("type") or ""
    for key in _REQUIRED_KEYS.get(kind, ()):
        if key not in data:
            errors.required(f"data[{key}]")
        elif key.startswith(".docker"):
            _json(errors, data[key], f"data[{key}]")
    if kind == "kubernetes.io/service-account-token":
        annotations = (obj.get("metadata") or {}).get("annotations") or {}
        if not annotations.get(_ACCOUNT):
            errors.required(f"metadata.annotations[{_ACCOUNT}]")
    elif kind == "kubernetes.io/basic-auth":
        if "username" not in data and "password" not in data:
            errors.required("data[username]")
            errors.required("data[password]")
    elif kind == "kubernetes.io/ssh-auth" and not data.get("ssh-privatekey"):
        errors.required("data[ssh-privatekey]")


def _json(errors: Errors, value: str, path: str) -> None:
    import orjson

    try:
        text = a2b_base64(value)
    except Base64Error as error:
        errors.invalid(path, "<secret contents redacted>", str(error))
        return
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        errors.invalid(path, "<secret contents redacted>", go_json_error(text, str(error)))
        return
    if not isinstance(found, dict):
        errors.invalid(path, "<secret contents redacted>", "json: cannot unmarshal into a map of values")


def update_secret(errors: Errors, new: Object, old: Object) -> None:
    immutable(errors, new.get("type"), old.get("type"), "type")
    _sealed(errors, new, old, ("data",))
    secret(errors, new)


CONFIG_MAPS = Rules(create=config_map, update=update_config_map)
SECRETS = Rules(create=secret, update=update_secret)
