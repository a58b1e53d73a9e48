"""What mutating admission policies make: `JSONPatch{op: "add", path: "/spec/x", value: 1}`.

Source: k8s.io/apiserver/pkg/cel/library/jsonpatch.go; k8s.io/apiserver/pkg/cel/mutation.
"""

from __future__ import annotations

from wherry.machinery.cel.functions import Library, library
from wherry.machinery.cel.types import DYN, STRING, AnyField, Kind, Type, object_type

JSON_PATCH: Type = object_type("JSONPatch", {"op": STRING, "path": STRING, "from": STRING, "value": DYN})


def object_types(name: str) -> Type | None:
    """The types `Object`, `Object.spec`, `Object.spec.template` and so on; give it as `types` to an environment."""
    if name == "JSONPatch":
        return JSON_PATCH
    if name == "Object" or name.startswith("Object."):
        return Type(Kind.OBJECT, name, (), AnyField())
    return None


def escape_key(key: str) -> str:
    """A key as it stands in a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")


LIBRARY: Library = library(
    globals_=[("jsonpatch.escapeKey", "string_jsonpatch_escapeKey", (STRING,), STRING, escape_key)]
)
