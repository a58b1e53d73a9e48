"""The shape of built-in kinds for ownership of fields: what server-side apply merges, and what it takes as a whole.

Compiled per definition when first asked for. Source: the `x-kubernetes-*` extensions of the published OpenAPI, read as
k8s.io/kube-openapi/pkg/schemaconv reads them; what OpenAPI does not tell (Go's pointers, defaults of keys) is in tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from wherry.api.schema import definitions
from wherry.machinery.fieldsets.shape import ATOMIC, MAP, SET, UNTYPED, List, Map, Node, Scalar

TYPE_FIELDS: Final = frozenset({"apiVersion", "kind"})
SYSTEM_METADATA: Final = frozenset(
    {
        "clusterName", "creationTimestamp", "generation", "managedFields", "name", "namespace", "resourceVersion",
        "selfLink", "uid",
    }
)  # fmt: skip
"""What nobody owns, of the metadata of an object itself (not of the templates in it)."""

_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_SCALARS = {"string": Scalar("string"), "boolean": Scalar("boolean")}
_NUMERIC, _UNTYPED_SCALAR = Scalar("numeric"), Scalar("untyped")
_EITHER = frozenset({"int-or-string", "quantity"})
_POINTERS_OF_KINDS: Final = frozenset({"related", "series", "overhead", "scheduling", "deleteOptions", "nodeTopology"})
"""Structs of an object itself that may be missing; all others (metadata, spec, status) are always there."""
_EMBEDDED: Final[Mapping[str, frozenset[str]]] = {
    "APIServiceSpec": frozenset(),
    "Container": frozenset({"resources"}),
    "ContainerStatus": frozenset({"lastState", "state"}),
    "CronJobSpec": frozenset({"jobTemplate"}),
    "CustomResourceDefinitionSpec": frozenset({"names"}),
    "CustomResourceDefinitionStatus": frozenset({"acceptedNames"}),
    "DaemonSetSpec": frozenset({"template", "updateStrategy"}),
    "DeploymentSpec": frozenset({"strategy", "template"}),
    "EphemeralContainer": frozenset({"resources"}),
    "FlowSchemaSpec": frozenset({"priorityLevelConfiguration"}),
    "HorizontalPodAutoscalerSpec": frozenset({"scaleTargetRef"}),
    "IngressStatus": frozenset({"loadBalancer"}),
    "JobSpec": frozenset({"template"}),
    "JobTemplateSpec": frozenset({"metadata", "spec"}),
    "NodeStatus": frozenset({"daemonEndpoints", "nodeInfo"}),
    "NodeDaemonEndpoints": frozenset({"kubeletEndpoint"}),
    "PersistentVolumeClaimSpec": frozenset({"resources"}),
    "PodTemplateSpec": frozenset({"metadata", "spec"}),
    "ReplicaSetSpec": frozenset({"template"}),
    "ResourceClaimSpec": frozenset({"devices"}),
    "ResourceClaimTemplateSpec": frozenset({"metadata", "spec"}),
    "ResourceSliceSpec": frozenset({"pool"}),
    "ServiceStatus": frozenset({"loadBalancer"}),
    "StatefulSetSpec": frozenset({"template", "updateStrategy"}),
    "VolumeAttachmentSpec": frozenset({"source"}),
}
"""Structs that Go holds by value, so that they are there even when nobody set them."""
_KEY_DEFAULTS: Final[Mapping[tuple[str, str], Mapping[str, Any]]] = {
    ("Container", "ports"): {"protocol": "TCP"},
    ("EphemeralContainer", "ports"): {"protocol": "TCP"},
    ("ServiceSpec", "ports"): {"protocol": "TCP"},
}


@cache
def shape_of(api_version: str, kind: str) -> Map | None:
    """How objects of a built-in kind are owned; None for any other kind."""
    name = definitions.name_of(api_version, kind)
    if name is None:
        return None
    schema = definitions.structure()[name]
    structs = {key for key, inner in schema.get("properties", {}).items() if "$ref" in inner}
    embedded = frozenset(structs - _POINTERS_OF_KINDS)

    def load() -> Mapping[str, Node]:
        fields = _fields(name, schema)
        return {**fields, "metadata": own_metadata()} if "metadata" in fields else fields

    return Map(load, embedded=embedded, required=_required(schema), hidden=TYPE_FIELDS)


@cache
def own_metadata() -> Map:
    """The metadata of an object itself."""
    schema = definitions.structure()[_META]
    return Map(lambda: _fields(_META, schema), hidden=SYSTEM_METADATA)


@cache
def metadata() -> Node:
    """The metadata of an object inside another."""
    return _named(_META)


def _required(schema: definitions.Schema) -> frozenset[str]:
    return frozenset(schema.get("required", ()))


@cache
def _named(name: str) -> Node:
    schema = definitions.structure()[name]
    if "properties" not in schema:
        return _plain(schema)
    short = name.rpartition(".")[2]
    return Map(
        lambda: _fields(name, schema),
        atomic=schema.get("x-kubernetes-map-type") == ATOMIC,
        embedded=_EMBEDDED.get(short, frozenset()),
        required=_required(schema),
    )


def _fields(name: str, schema: definitions.Schema) -> Mapping[str, Node]:
    short = name.rpartition(".")[2]
    return {key: _field(short, key, inner) for key, inner in schema["properties"].items()}


def _field(struct: str, key: str, schema: definitions.Schema) -> Node:
    if "$ref" in schema:
        name = definitions.target(schema["$ref"])
        return _whole(name) if schema.get("x-kubernetes-map-type") == ATOMIC else _named(name)
    if schema.get("type") == "array":
        item = _field(struct, "", schema["items"])
        kind, keys = _list_type(schema)
        return List(item, kind, keys, _KEY_DEFAULTS.get((struct, key)))
    if "additionalProperties" in schema:
        item = _field(struct, "", schema["additionalProperties"])
        return Map(dict, rest=item, atomic=schema.get("x-kubernetes-map-type") == ATOMIC)
    return _plain(schema)


@cache
def _whole(name: str) -> Node:
    return Map(lambda: _fields(name, definitions.structure()[name]), atomic=True)


def _list_type(schema: definitions.Schema) -> tuple[str, tuple[str, ...]]:
    """Lists are one field unless they are marked, if only for strategic merge patches."""
    kind = schema.get("x-kubernetes-list-type")
    if kind == MAP:
        return MAP, tuple(schema["x-kubernetes-list-map-keys"])
    if kind is not None:
        return kind, ()
    if "merge" in schema.get("x-kubernetes-patch-strategy", "").split(","):
        key = schema.get("x-kubernetes-patch-merge-key")
        return (MAP, (key,)) if key else (SET, ())
    return ATOMIC, ()


def _plain(schema: definitions.Schema) -> Node:
    kind = schema.get("type", "")
    if schema.get("format") in _EITHER:
        return _UNTYPED_SCALAR
    if kind in ("integer", "number"):
        return _NUMERIC
    return _SCALARS.get(kind, UNTYPED)
