"""A structural schema, compiled once: the nodes that pruning, defaulting and list types walk along with an object.

Source: KEP-1979 and "Specifying a structural schema" in the Kubernetes documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Schema = Mapping[str, Any]

PRESERVE: Final = "x-kubernetes-preserve-unknown-fields"
EMBEDDED: Final = "x-kubernetes-embedded-resource"
INT_OR_STRING: Final = "x-kubernetes-int-or-string"
LIST_TYPE: Final = "x-kubernetes-list-type"
LIST_MAP_KEYS: Final = "x-kubernetes-list-map-keys"
MAP_TYPE: Final = "x-kubernetes-map-type"
VALIDATIONS: Final = "x-kubernetes-validations"


class Node:
    """One schema of a structure. `deep_defaults` says whether it or anything below has a default."""

    __slots__ = (
        "additional", "deep_defaults", "default", "embedded", "has_default", "items", "list_type", "map_keys",
        "nullable", "open", "preserve", "properties",
    )  # fmt: skip

    def __init__(self, schema: Schema) -> None:
        self.nullable = bool(schema.get("nullable"))
        self.preserve = bool(schema.get(PRESERVE))
        self.embedded = bool(schema.get(EMBEDDED))
        self.list_type: str = schema.get(LIST_TYPE) or "atomic"
        self.map_keys: tuple[str, ...] = tuple(schema.get(LIST_MAP_KEYS) or ())
        self.has_default = schema.get("default") is not None
        self.default: Any = schema.get("default")
        self.properties = {name: Node(inner) for name, inner in (schema.get("properties") or {}).items()}
        items = schema.get("items")
        self.items = Node(items) if isinstance(items, dict) else None
        additional = schema.get("additionalProperties")
        self.additional = Node(additional) if isinstance(additional, dict) else None
        self.open = additional is True
        """`additionalProperties: true`: any key, values without a schema."""
        below = (*self.properties.values(), self.items, self.additional)
        self.deep_defaults: bool = self.has_default or any(node is not None and node.deep_defaults for node in below)


def path_of(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
