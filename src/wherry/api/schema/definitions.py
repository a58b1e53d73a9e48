"""The generated schema file, read on first use.

The file holds two gzip members (see `hatch_build.py`): the structure, which decoding and patching need, and the
descriptions, which only OpenAPI and `explain` need; each is unpacked only when asked for. What is returned is shared:
nobody may change it.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import orjson

Schema = Mapping[str, Any]

_FILE = Path(__file__).with_name("v1.36.json.gz")
_GZIP = 31
"""`wbits` for one gzip member."""


_MISSING = f"{_FILE} is missing; `python hatch_build.py` makes it"


class SchemaFileMissing(RuntimeError):
    """The generated file is not there: the package was not built."""


@cache
def structure() -> Mapping[str, Schema]:
    """Every definition by its full name (`io.k8s.api.core.v1.Pod`), in OpenAPI v2 form without descriptions."""
    return orjson.loads(zlib.decompressobj(_GZIP).decompress(_read()))


@cache
def descriptions() -> Mapping[str, tuple[str, Mapping[str, str]]]:
    """By definition name: its description, and that of each of its properties."""
    first = zlib.decompressobj(_GZIP)
    first.decompress(_read())
    return orjson.loads(zlib.decompressobj(_GZIP).decompress(first.unused_data))


@cache
def _by_kind() -> Mapping[tuple[str, str], str]:
    return {
        (f"{gvk['group']}/{gvk['version']}" if gvk["group"] else gvk["version"], gvk["kind"]): name
        for name, schema in structure().items()
        for gvk in schema.get("x-kubernetes-group-version-kind", ())
    }


def name_of(api_version: str, kind: str) -> str | None:
    """The definition's name for an `apiVersion` and `kind`; None when it is no built-in kind."""
    return _by_kind().get((api_version, kind))


def target(reference: str) -> str:
    """The name that a `$ref` points at."""
    return reference.rpartition("/")[2]


def require() -> None:
    """Raises `SchemaFileMissing` now instead of at the first object."""
    if not _FILE.is_file():
        raise SchemaFileMissing(_MISSING)


def _read() -> bytes:
    try:
        return _FILE.read_bytes()
    except FileNotFoundError as missing:
        raise SchemaFileMissing(_MISSING) from missing
