"""Names of properties as expressions can write them: `a-b` is `a__dash__b`, `in` is `__in__`.

Source: k8s.io/apiserver/pkg/cel/escaping.go.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from wherry.machinery.cel.parser import RESERVED

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_./-]*")
_PARTS = re.compile(r"__|[./-]")
_ESCAPES: Final = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}
_RESERVED: Final = RESERVED | {"true", "false", "null", "in"}


def is_keyword(name: str) -> bool:
    return name in _RESERVED


@lru_cache(maxsize=4096)
def escape(name: str) -> str | None:
    """None for a name that no expression can speak of."""
    if name in _RESERVED:
        return f"__{name}__"
    if _NAME.fullmatch(name) is None:
        return None
    return _PARTS.sub(lambda match: _ESCAPES[match[0]], name)
