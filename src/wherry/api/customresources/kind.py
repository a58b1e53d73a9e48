"""One version of a definition, ready for use: what the API server asks of the kind while it serves it.

Nothing here changes once it is made; a changed definition makes new kinds. The parts are compiled when first used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import orjson

from wherry.api.customresources import defaulting, list_types
from wherry.api.customresources.checks import Check
from wherry.api.customresources.columns import table_of
from wherry.api.customresources.embedded import check_embedded
from wherry.api.customresources.pruning import prune, unknown_fields
from wherry.api.customresources.shapes import shape_of
from wherry.api.customresources.strategy import CustomStrategy, ScalePaths
from wherry.api.customresources.structural import VALIDATIONS, Node
from wherry.api.schema.decode import FieldValidation, bad_request, warnings
from wherry.api.schema.duplicates import duplicate_fields
from wherry.api.schema.nodes import named
from wherry.api.schema.problems import DecodeError, Place, Report
from wherry.api.tables.columns import Table
from wherry.api.types import Object
from wherry.api.validation.errors import Errors
from wherry.api.validation.rules import Rules
from wherry.machinery.fieldsets.shape import Map

if TYPE_CHECKING:
    from wherry.api.customresources.rule_validation import RuleValidator

_METADATA = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_MAX_INT32 = 2**31 - 1


class CustomKind:
    """Made of a definition's spec and one entry of `spec.versions`."""

    def __init__(self, spec: Object, version: Object, *, terminating: bool = False) -> None:
        names = spec["names"]
        self.kind: str = names["kind"]
        self.list_kind: str = names["listKind"]
        self.group: str = spec["group"]
        self.version: str = version["name"]
        self.api_version = f"{self.group}/{self.version}"
        self.terminating = terminating
        """Instances are being deleted: no new ones."""
        self.schema: Object = (version.get("schema") or {}).get("openAPIV3Schema") or {"type": "object"}
        self._columns = version.get("additionalPrinterColumns") or ()
        self._subresources: Object = version.get("subresources") or {}
        self._selectable = tuple(each["jsonPath"][1:] for each in version.get("selectableFields") or ())
        self.warning = _deprecation(version, self.api_version, self.kind)

    @cached_property
    def subresources(self) -> tuple[str, ...]:
        return tuple(name for name in ("scale", "status") if self._subresources.get(name) is not None)

    @cached_property
    def fingerprint(self) -> str:
        """Changes with everything that clients can see of the kind."""
        seen = [self.schema, self.subresources, self.list_kind, self.kind]
        return sha256(orjson.dumps(seen, option=orjson.OPT_SORT_KEYS)).hexdigest()

    @cached_property
    def _node(self) -> Node:
        return Node(self.schema)

    @cached_property
    def shape(self) -> Map:
        """How its objects are owned (server-side apply)."""
        return shape_of(self.schema)

    @cached_property
    def _check(self) -> Check:
        return Check(self.schema)

    @cached_property
    def _rules(self) -> RuleValidator | None:
        if VALIDATIONS.encode() not in orjson.dumps(self.schema):
            return None
        # Most kinds have no rules: those must not load the engine.
        from wherry.api.customresources.rule_validation import RuleValidator

        return RuleValidator.make(self.schema, root=True)

    @cached_property
    def table(self) -> Table:
        return table_of(self._columns)

    @cached_property
    def rules(self) -> Rules:
        return Rules(create=self._on_create, update=self._on_update, status=self._on_update)

    @cached_property
    def strategy(self) -> CustomStrategy:
        return CustomStrategy(
            has_status="status" in self.subresources, unconditional_update=False, scale=self._scale_paths()
        )

    def _scale_paths(self) -> ScalePaths | None:
        scale: Mapping[str, str] | None = self._subresources.get("scale")
        if scale is None:
            return None
        return ScalePaths(
            spec_replicas=_keys(scale["specReplicasPath"]),
            status_replicas=_keys(scale["statusReplicasPath"]),
            selector=_keys(scale.get("labelSelectorPath") or ""),
        )

    def decode(
        self, obj: Object, *, raw: bytes | None, field_validation: str, text_problems: Sequence[str] = ()
    ) -> list[str]:
        """Check the metadata, drop unknown fields, in place; gives the warnings. Raises `BadRequest`."""
        twice: list[str] = []
        if raw is not None and field_validation != FieldValidation.IGNORE:
            twice = duplicate_fields(raw, obj)
        try:
            problems = [*text_problems, *_clean_metadata(obj)]
            problems += [f'unknown field "{path}"' for path in prune(self._node, obj)] + twice
        except (DecodeError, RecursionError) as wrong:
            why = str(wrong) if isinstance(wrong, DecodeError) else "exceeded max depth"
            raise bad_request(self.kind, self.version, self.kind, why) from wrong
        if not problems or field_validation == FieldValidation.IGNORE:
            return []
        if field_validation == FieldValidation.STRICT:
            raise bad_request(self.kind, self.version, self.kind, f"strict decoding error: {', '.join(problems)}")
        return warnings(problems)

    def default(self, obj: Object) -> None:
        """Fill in the defaults of this version, in place."""
        defaulting.fill(self._node, obj)
        for key, inner in self._node.properties.items():
            if key == "metadata":
                continue
            if obj.get(key, "") is None and not inner.nullable:
                del obj[key]
            elif key in obj:
                defaulting.drop_nulls(inner, obj[key])

    def as_served(self, obj: Object) -> Object:
        """A stored object as this version has it, perhaps written under an older schema; itself where it fits."""
        node = self._node
        fits = not defaulting.lacks(node, obj) and not unknown_fields(node, obj)
        if fits:
            return obj if obj["apiVersion"] == self.api_version else {**obj, "apiVersion": self.api_version}
        new: Object = orjson.loads(orjson.dumps(obj))
        prune(node, new)
        self.default(new)
        new["apiVersion"] = self.api_version
        return new

    def selectable_labels(self) -> tuple[str, ...]:
        return self._selectable

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        return {label: _text(obj, label) for label in self._selectable}

    def _on_create(self, errors: Errors, obj: Object) -> None:
        self._check(obj, "", errors)
        check_embedded(errors, self._node, obj)
        list_types.check(errors, self._node, obj)
        if self._rules is not None:
            self._rules.check(errors, obj)
        self._check_scale(errors, obj)

    def _on_update(self, errors: Errors, new: Object, old: Object) -> None:
        self._check(new, "", errors, old)
        check_embedded(errors, self._node, new)
        wrong, before = Errors(), Errors()
        list_types.check(wrong, self._node, new)
        if wrong:
            list_types.check(before, self._node, old)
        if not before:
            errors.extend(wrong)
        if self._rules is not None:
            errors.warnings += map(str, self._rules.check(errors, new, old))
        self._check_scale(errors, new)

    def _check_scale(self, errors: Errors, obj: Object) -> None:
        paths = self.strategy.scale
        if paths is None:
            return
        for keys in (paths.spec_replicas, paths.status_replicas):
            value, path = _value(obj, keys), "." + ".".join(keys)
            if isinstance(value, int) and value < 0:
                errors.invalid(path, value, "should be a non-negative integer")
            elif isinstance(value, int) and value > _MAX_INT32:
                errors.invalid(path, value, f"should be less than or equal to {_MAX_INT32}")


def _deprecation(version: Object, api_version: str, kind: str) -> str:
    if not version.get("deprecated"):
        return ""
    return version.get("deprecationWarning") or f"{api_version} {kind} is deprecated"


def _clean_metadata(obj: Object) -> list[str]:
    metadata = obj.get("metadata")
    node = named(_METADATA)
    if metadata is None or node.ok(metadata):
        return []
    report = Report()
    obj["metadata"] = node.fix(metadata, Place(report, "ObjectMeta", "metadata", "metadata"))
    return report.problems


def _keys(path: str) -> tuple[str, ...]:
    return tuple(path[1:].split(".")) if path else ()


def _value(obj: Any, keys: tuple[str, ...]) -> Any:
    for key in keys:
        obj = obj.get(key) if isinstance(obj, dict) else None
    return obj


def _text(obj: Object, label: str) -> str:
    value = _value(obj, tuple(label.split(".")))
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else ""
