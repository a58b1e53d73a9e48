"""The `pod-template-hash` label: equal templates give equal names, on every machine and in every release of Wherry.

The hash is our own (upstream's depends on Go's struct layout); its alphabet is upstream's, which spells no words.
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from wherry.api.types import Object

LABEL = "pod-template-hash"
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def template_hash(template: Object, collisions: int = 0) -> str:
    """Up to ten characters; another one for each collision count."""
    data = orjson.dumps([meaning(template), collisions], option=orjson.OPT_SORT_KEYS)
    number = int.from_bytes(hashlib.blake2b(data, digest_size=4).digest(), "big")
    return "".join(_ALPHABET[ord(digit) % len(_ALPHABET)] for digit in str(number))


def same_template(one: Object, other: Object) -> bool:
    """Whether two pod templates mean the same, apart from the hash label."""
    return meaning(one) == meaning(other)


def meaning(template: Object) -> Any:
    """The template without its hash label and without what is empty or null."""
    metadata = template.get("metadata") or {}
    labels = {name: value for name, value in (metadata.get("labels") or {}).items() if name != LABEL}
    return _dense({**template, "metadata": {**metadata, "labels": labels}})


def _dense(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: d for k, v in value.items() if (d := _dense(v)) is not None and d != {} and d != []}
    if isinstance(value, list):
        return [_dense(item) for item in value]
    return value
