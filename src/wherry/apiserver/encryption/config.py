"""What an `EncryptionConfiguration` says: for which resources, by which providers, with which keys.

Source: "Encrypting Confidential Data at Rest" in the Kubernetes documentation, apiserver.config.k8s.io/v1.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Final

from wherry.api.types import Object
from wherry.apiserver.configuration.problems import Problems
from wherry.apiserver.configuration.reading import parse, section, sections, text, texts

SIZES: Final = {"aescbc": (16, 24, 32), "aesgcm": (16, 24, 32), "secretbox": (32,)}
IDENTITY: Final = "identity"


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """One provider, or one key of it: `identity` has none."""

    kind: str
    key_name: str = ""
    secret: bytes = b""


@dataclass(frozen=True, slots=True)
class ResourceConfig:
    """Resources (`secrets`, `deployments.apps`, `*.apps`, `*.`, `*.*`), and their providers: the first writes, all read."""

    resources: tuple[str, ...]
    providers: tuple[ProviderConfig, ...]


def parse_encryption(data: bytes, *, source: str) -> tuple[ResourceConfig, ...]:
    """Raises `ConfigurationError`."""
    found = parse(
        data, source=source, kind="EncryptionConfiguration", group="apiserver.config.k8s.io", versions=("v1",)
    )
    problems = Problems()
    problems.fields("", found, ("kind", "apiVersion", "resources"))
    given = sections(found.get("resources"), "resources")
    if not given:
        problems.required("resources", "at least one resource must be specified")
    configs = tuple(_resource(each, f"resources[{index}]", problems) for index, each in enumerate(given))
    problems.check(source)
    return configs


def _resource(given: Object, path: str, problems: Problems) -> ResourceConfig:
    problems.fields(path, given, ("resources", "providers"))
    resources, at = texts(given.get("resources"), f"{path}.resources"), f"{path}.resources"
    if not resources:
        problems.required(at, "at least one resource must be specified")
    for index, each in enumerate(resources):
        if each == "*":
            problems.invalid(
                f"{at}[{index}]",
                each,
                "use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources",
            )
        elif "*" in each and not each.startswith("*."):
            problems.invalid(f"{at}[{index}]", each, "wildcards can only name all resources of a group")
        elif "/" in each:
            problems.invalid(f"{at}[{index}]", each, "subresources are kept with their objects")
        elif each in resources[:index]:
            problems.duplicate(f"{at}[{index}]", each)
    entries = sections(given.get("providers"), f"{path}.providers")
    if not entries:
        problems.required(f"{path}.providers", "at least one provider must be specified")
    providers: list[ProviderConfig] = []
    for index, entry in enumerate(entries):
        providers += _provider(entry, f"{path}.providers[{index}]", problems)
    return ResourceConfig(resources, tuple(providers))


def _provider(given: Object, path: str, problems: Problems) -> list[ProviderConfig]:
    kinds = list(given)
    if len(kinds) != 1 or kinds[0] not in (*SIZES, IDENTITY):
        if "kms" in kinds:
            problems.invalid(path, "kms", "key management services are not supported: use secretbox, aesgcm or aescbc")
        else:
            problems.required(path, "exactly one of aescbc, aesgcm, secretbox and identity must be specified")
        return []
    kind = kinds[0]
    body, at = section(given[kind], f"{path}.{kind}"), f"{path}.{kind}"
    if kind == IDENTITY:
        problems.fields(at, body, ())
        return [ProviderConfig(IDENTITY)]
    problems.fields(at, body, ("keys",))
    keys = sections(body.get("keys"), f"{at}.keys")
    if not keys:
        problems.required(f"{at}.keys", "at least one key must be specified")
    found: list[ProviderConfig] = []
    for index, key in enumerate(keys):
        found.append(_key(kind, key, f"{at}.keys[{index}]", problems))
        if any(found[-1].key_name == other.key_name for other in found[:-1]):
            problems.duplicate(f"{at}.keys[{index}].name", found[-1].key_name)
    return found


def _key(kind: str, given: Object, path: str, problems: Problems) -> ProviderConfig:
    problems.fields(path, given, ("name", "secret"))
    name, secret = text(given, "name", path), text(given, "secret", path)
    if not name:
        problems.required(f"{path}.name", "key must have a name")
    elif ":" in name:
        problems.invalid(f"{path}.name", name, "key name must not contain ':'")
    if not secret:
        problems.required(f"{path}.secret", "secret must be provided")
        return ProviderConfig(kind, name)
    try:
        decoded = base64.b64decode(secret, validate=True)
    except binascii.Error:
        problems.invalid(f"{path}.secret", "REDACTED", "secret must be base64 encoded")
        return ProviderConfig(kind, name)
    if len(decoded) not in SIZES[kind]:
        shown = " ".join(map(str, SIZES[kind]))
        problems.invalid(
            f"{path}.secret",
            "REDACTED",
            f"secret is not of the expected length, got {len(decoded)}, expected one of [{shown}]",
        )
    return ProviderConfig(kind, name, decoded)
