"""Boils the published OpenAPI definitions of Kubernetes v1.36 down to the one file that Wherry reads.

Runs as a build hook of hatchling, and by hand: `python hatch_build.py`. The source is the package kubernetes-validate
(needed only here); the result is `src/wherry/api/schema/v1.36.json.gz`, two gzip members one behind the other:

1. the structure: `{definition name: schema}` without descriptions, all that decoding and patching need;
2. the descriptions: `{definition name: [text, {property: text}]}`, for OpenAPI and `explain`.

So a start reads and unpacks only the first. Kept is what the resources in `wherry.api.resources` reach. The source
writes optional types as `["string", "null"]` and pins `apiVersion` and `kind` with `enum`; both are undone, which gives
the schema as kube-apiserver publishes it at `/openapi/v2`.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run by hand, without hatchling
    BuildHookInterface = object  # type: ignore[misc, assignment]

RELEASE = "v1.36"
ROOT = Path(__file__).resolve().parent
TARGET = ROOT / f"src/wherry/api/schema/{RELEASE}.json.gz"
SOURCE = f"kubernetes-json-schema/{RELEASE}.0-local/_definitions.json"

META = "io.k8s.apimachinery.pkg.apis.meta.v1."
EXTRA = (
    *(META + kind for kind in ("APIGroup", "APIGroupList", "APIResourceList", "APIVersions", "Condition")),
    *(META + kind for kind in ("DeleteOptions", "LabelSelector", "Patch", "Status", "WatchEvent")),
    "io.k8s.api.authentication.v1.TokenRequest",
    "io.k8s.api.autoscaling.v1.Scale",
    "io.k8s.api.policy.v1.Eviction",
    "io.k8s.apimachinery.pkg.version.Info",
)
"""Kinds that are no resource of their own: options, answers, and the bodies of subresources."""

WITHOUT_TYPE: dict[str, dict[str, Any]] = {
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": "string", "format": "int-or-string"},
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": "string", "format": "quantity"},
}
"""The two that the source spells as `oneOf`. (`quantity` is our mark; it is taken off when published.)"""

Definitions = dict[str, dict[str, Any]]


class SchemaBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Makes the schema file before a wheel is built, if it is not there yet."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if not TARGET.exists():
            build()


def build() -> Path:
    """Write the schema file; gives its path."""
    source = read_source()
    structure = {name: simplify(source[name], name) for name in sorted(reachable(source))}
    texts = {name: describe(source[name]) for name in structure}
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_bytes(pack(structure) + pack(texts))
    return TARGET


def read_source() -> Definitions:
    """The definitions in the installed kubernetes-validate, found without importing it."""
    spec = importlib.util.find_spec("kubernetes_validate")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("the package kubernetes-validate is needed to build: pip install kubernetes-validate")
    path = Path(spec.submodule_search_locations[0]) / SOURCE
    definitions: Definitions = json.loads(path.read_bytes())["$defs"]
    return definitions


def builtin_resources() -> tuple[Any, ...]:
    """`wherry.api.resources.BUILTIN`, read by path so that an installed Wherry is not taken for this one."""
    spec = importlib.util.spec_from_file_location("_wherry_resources", ROOT / "src/wherry/api/resources.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    builtin: tuple[Any, ...] = module.BUILTIN
    return builtin


def reachable(source: Definitions) -> set[str]:
    """The definitions that the served resources, their lists and EXTRA lead to. Raises KeyError for a missing one."""
    by_kind = {(gvk["group"], gvk["version"], gvk["kind"]): name for name, gvk in kinds(source)}
    roots = [by_kind[r.group, r.version, r.kind] for r in builtin_resources()]
    lists = [by_kind.get((r.group, r.version, f"{r.kind}List")) for r in builtin_resources()]
    todo = [*roots, *filter(None, lists), *EXTRA]
    found: set[str] = set()
    while todo:
        if (name := todo.pop()) not in found:
            found.add(name)
            todo.extend(references(source[name]))
    return found


def kinds(source: Definitions) -> Iterator[tuple[str, dict[str, str]]]:
    for name, schema in source.items():
        for gvk in schema.get("x-kubernetes-group-version-kind", ()):
            yield name, gvk


def references(schema: Any) -> Iterator[str]:
    """The names of the definitions that a schema refers to."""
    if isinstance(schema, dict):
        if isinstance(reference := schema.get("$ref"), str):
            yield reference.rpartition("/")[2]
        for value in schema.values():
            yield from references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from references(value)


def simplify(schema: dict[str, Any], name: str = "") -> dict[str, Any]:
    """A schema as kube-apiserver publishes it, without descriptions."""
    if name in WITHOUT_TYPE:
        return WITHOUT_TYPE[name]
    result: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "properties":
            result[key] = {field: simplify(item) for field, item in value.items()}
        elif key in ("items", "additionalProperties"):
            result[key] = simplify(value)
        elif key == "type" and isinstance(value, list):
            result[key] = next(kind for kind in value if kind != "null")
        elif key == "$ref":
            result[key] = f"#/definitions/{value.rpartition('/')[2]}"
        elif key not in ("description", "enum"):
            result[key] = value
    return result


def describe(schema: dict[str, Any]) -> list[Any]:
    fields = {name: item["description"] for name, item in schema.get("properties", {}).items() if "description" in item}
    return [schema.get("description", ""), fields]


def pack(data: object) -> bytes:
    """One gzip member; the same input gives the same bytes (no time stamp)."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    return gzip.compress(text, compresslevel=9, mtime=0)


if __name__ == "__main__":
    written = build()
    print(f"{written.relative_to(ROOT)}: {written.stat().st_size} bytes")
