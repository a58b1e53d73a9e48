"""What a CustomResourceDefinition must look like.

Source: k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from wherry.api.customresources.definition_state import APPROVAL, approval, established, is_protected
from wherry.api.customresources.schema_rules import check_schema
from wherry.api.customresources.structural import Schema
from wherry.api.types import Object
from wherry.api.validation.errors import Errors
from wherry.api.validation.fields import choice, immutable
from wherry.api.validation.rules import Rules
from wherry.api.validation.webhooks import client_config, review_versions
from wherry.machinery import names

COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
COLUMN_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
MAX_SELECTABLE = 8
_PARTS = frozenset({"schema", "subresources", "additionalPrinterColumns", "selectableFields"})
_FIELD_PATH = re.compile(r"(\.[A-Za-z_][A-Za-z0-9_]*)+")


def _create(errors: Errors, obj: Object) -> None:
    spec: Object = obj.get("spec") or {}
    wanted = f"{(spec.get('names') or {}).get('plural', '')}.{spec.get('group', '')}"
    if obj["metadata"].get("name") != wanted:
        errors.invalid("metadata.name", obj["metadata"].get("name"), 'must be spec.names.plural+"."+spec.group')
    _spec(errors, spec)
    _approval(errors, obj, None)
    if spec.get("preserveUnknownFields"):
        _preserving(errors)


def _update(errors: Errors, new: Object, old: Object) -> None:
    spec, before = new.get("spec") or {}, old.get("spec") or {}
    names_now, names_before = spec.get("names") or {}, before.get("names") or {}
    _spec(errors, spec)
    if established(old):
        immutable(errors, spec.get("scope"), before.get("scope"), "spec.scope")
        immutable(errors, names_now.get("kind"), names_before.get("kind"), "spec.names.kind")
    immutable(errors, spec.get("group"), before.get("group"), "spec.group")
    immutable(errors, names_now.get("plural"), names_before.get("plural"), "spec.names.plural")
    _stored_versions(errors, (new.get("status") or {}).get("storedVersions") or [], spec.get("versions") or [])
    _approval(errors, new, old)
    if spec.get("preserveUnknownFields") and not before.get("preserveUnknownFields"):
        _preserving(errors)


def _status(errors: Errors, new: Object, old: Object) -> None:
    status = new.get("status") or {}
    _names(errors, status.get("acceptedNames") or {}, "status.acceptedNames")
    _stored_versions(errors, status.get("storedVersions") or [], (new.get("spec") or {}).get("versions") or [])


def _preserving(errors: Errors) -> None:
    why = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
    errors.invalid("spec.preserveUnknownFields", True, why)


def _spec(errors: Errors, spec: Object) -> None:
    _group(errors, spec.get("group") or "")
    choice(errors, spec.get("scope"), "spec.scope", ("Cluster", "Namespaced"))
    versions: list[Object] = spec.get("versions") or []
    for index, version in enumerate(versions):
        if not ((version.get("schema") or {}).get("openAPIV3Schema")):
            errors.required(f"spec.versions[{index}].schema.openAPIV3Schema", "schemas are required")
    apart = _PARTS - _shared(versions)
    for index, version in enumerate(versions):
        _version(errors, version, f"spec.versions[{index}]", apart)
    if any(times > 1 for times in Counter(each.get("name") for each in versions).values()):
        errors.invalid("spec.versions", versions, "must contain unique version names")
    if sum(bool(each.get("storage")) for each in versions) != 1:
        errors.invalid("spec.versions", versions, "must have exactly one version marked as storage version")
    found = spec.get("names") or {}
    for key in ("plural", "singular", "kind", "listKind"):
        if not found.get(key):
            errors.required(f"spec.names.{key}")
    _names(errors, found, "spec.names")
    if versions:
        # What all versions have in common is one part of the definition: upstream's errors name it by that.
        _parts(errors, versions[0], _shared(versions), "spec", schema_path="spec.validation")
    _conversion(errors, spec.get("conversion") or {})


def _group(errors: Errors, group: str) -> None:
    if not group:
        errors.required("spec.group")
    elif messages := names.dns1123_subdomain(group):
        errors.invalid("spec.group", group, ",".join(messages))
    elif "." not in group:
        errors.invalid("spec.group", group, "should be a domain with at least one dot")


def _conversion(errors: Errors, conversion: Object) -> None:
    """Source: apiextensions validation (validateCustomResourceConversion), which calls the parts by older names."""
    strategy, webhook = conversion.get("strategy"), conversion.get("webhook")
    choice(errors, strategy, "spec.conversion.strategy", ("None", "Webhook"))
    path = "spec.conversion.webhookClientConfig"
    if strategy != "Webhook":
        if webhook:
            errors.forbidden("spec.conversion.webhook", "should not be set when strategy is not set to Webhook")
        return
    config = (webhook or {}).get("clientConfig")
    if config is None:
        errors.required(path, "required when strategy is set to Webhook")
    else:
        client_config(errors, config, path)
    versions = (webhook or {}).get("conversionReviewVersions") or []
    review_versions(errors, versions, "spec.conversion.conversionReviewVersions")


def _names(errors: Errors, found: Object, path: str) -> None:
    for key in ("plural", "singular"):
        if value := found.get(key):
            _label(errors, value, f"{path}.{key}")
    for key in ("kind", "listKind"):
        value = found.get(key)
        if value and (messages := names.dns1035_label(value.lower())):
            why = "may have mixed case, but should otherwise match: "
            errors.invalid(f"{path}.{key}", value, why + ",".join(messages))
    for index, short in enumerate(found.get("shortNames") or ()):
        _label(errors, short, f"{path}.shortNames[{index}]")
    if found.get("kind") and found.get("kind") == found.get("listKind"):
        errors.invalid(f"{path}.listKind", found["listKind"], "kind and listKind may not be the same")
    for index, category in enumerate(found.get("categories") or ()):
        _label(errors, category, f"{path}.categories[{index}]")


def _label(errors: Errors, value: str, path: str) -> None:
    if messages := names.dns1035_label(value):
        errors.invalid(path, value, ",".join(messages))


def _shared(versions: list[Object]) -> frozenset[str]:
    """The parts that are the same in every version."""
    return frozenset(key for key in _PARTS if all(each.get(key) == versions[0].get(key) for each in versions[1:]))


def _version(errors: Errors, version: Object, path: str, apart: frozenset[str]) -> None:
    _label(errors, version.get("name") or "", f"{path}.name")
    warning = version.get("deprecationWarning")
    for message in _deprecation(bool(version.get("deprecated")), warning):
        errors.invalid(f"{path}.deprecationWarning", warning, message)
    _parts(errors, version, apart, path, schema_path=f"{path}.schema")


def _parts(errors: Errors, version: Object, which: frozenset[str], path: str, *, schema_path: str) -> None:
    subresources: Object = version.get("subresources") or {}
    schema: Schema | None = (version.get("schema") or {}).get("openAPIV3Schema")
    if schema and "schema" in which:
        status = subresources.get("status") is not None
        check_schema(errors, schema, f"{schema_path}.openAPIV3Schema", status=status)
    if subresources.get("scale") is not None and "subresources" in which:
        _scale(errors, subresources["scale"], f"{path}.subresources.scale")
    if "additionalPrinterColumns" in which:
        for index, column in enumerate(version.get("additionalPrinterColumns") or ()):
            _column(errors, column, f"{path}.additionalPrinterColumns[{index}]")
    if "selectableFields" in which and (selectable := version.get("selectableFields")):
        _selectable(errors, selectable, schema, f"{path}.selectableFields")


def _deprecation(deprecated: bool, warning: str | None) -> list[str]:
    if warning is None:
        return []
    if not deprecated:
        return ["can only be set for deprecated versions"]
    found = []
    if len(warning.encode()) > 256:
        found.append("must be <= 256 characters long")
    if not warning:
        found.append("must not be an empty string")
    at = next((index for index, char in enumerate(warning) if not char.isprintable()), None)
    if at is not None:
        why = "must only contain printable UTF-8 characters; non-printable character found at index"
        found.append(f"{why} {len(warning[:at].encode())}")
    return found


def _scale(errors: Errors, scale: Object, path: str) -> None:
    for key, below in (("specReplicasPath", ".spec"), ("statusReplicasPath", ".status")):
        value, here = scale.get(key) or "", f"{path}.{key}"
        if not value:
            errors.required(here)
        elif _simple_path(errors, value, here) and not value.startswith(f"{below}."):
            errors.invalid(here, value, f"should be a json path under {below}")
    if selector := scale.get("labelSelectorPath"):
        here = f"{path}.labelSelectorPath"
        if _simple_path(errors, selector, here) and not selector.startswith((".spec.", ".status.")):
            errors.invalid(here, selector, "should be a json path under either .spec or .status")


def _simple_path(errors: Errors, value: str, path: str) -> bool:
    if value.startswith("."):
        return True
    errors.invalid(path, value, "must be a simple json path starting with .")
    return False


def _column(errors: Errors, column: Object, path: str) -> None:
    if not column.get("name"):
        errors.required(f"{path}.name")
    kind, types = column.get("type") or "", f"must be one of {','.join(COLUMN_TYPES)}"
    if not kind:
        errors.required(f"{path}.type", types)
    elif kind not in COLUMN_TYPES:
        errors.invalid(f"{path}.type", kind, types)
    form = column.get("format")
    if form and form not in COLUMN_FORMATS:
        errors.invalid(f"{path}.format", form, f"must be one of {','.join(COLUMN_FORMATS)}")
    if not column.get("jsonPath"):
        errors.required(f"{path}.JSONPath")
    else:
        _simple_path(errors, column["jsonPath"], f"{path}.JSONPath")


def _selectable(errors: Errors, fields: list[Object], schema: Schema | None, path: str) -> None:
    seen: set[str] = set()
    for index, field in enumerate(fields):
        value, here = field.get("jsonPath") or "", f"{path}[{index}].jsonPath"
        if not value:
            errors.required(here)
            continue
        found = _schema_at(schema, value)
        if isinstance(found, str):
            errors.invalid(here, value, f"is an invalid path: {found}")
            continue
        if value.startswith(".metadata.") or value == ".metadata":
            errors.invalid(here, value, "must not point to fields in metadata")
        if found.get("type") not in ("string", "boolean", "integer"):
            why = (
                "must point to a field of type string, boolean or integer. Enum string fields and strings with formats"
            )
            errors.invalid(here, value, f"{why} are allowed.")
        if value in seen:
            errors.duplicate(here, value)
        seen.add(value)
    if len(seen) > MAX_SELECTABLE:
        errors.too_many(path, len(seen), MAX_SELECTABLE)


def _schema_at(schema: Schema | None, path: str) -> Any:
    """The schema of a field, or what is wrong with the path."""
    if _FIELD_PATH.fullmatch(path) is None:
        return "must be a simple json path of field names"
    for key in path[1:].split("."):
        schema = ((schema or {}).get("properties") or {}).get(key)
        if schema is None:
            return "does not refer to a valid field"
    return schema


def _stored_versions(errors: Errors, stored: list[str], versions: list[Object]) -> None:
    path = "status.storedVersions"
    if not stored:
        errors.invalid(path, stored, "must have at least one stored version")
        return
    for version in versions:
        if version.get("storage") and version.get("name") not in stored:
            errors.invalid(path, stored, f"must have the storage version {version.get('name')}")
    known = {version.get("name") for version in versions}
    for index, name in enumerate(stored):
        if name not in known:
            why = (
                f"missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions"
                f" until a storage migration ensures no data remains persisted in {name} and removes {name} from"
                " status.storedVersions"
            )
            errors.invalid(f"{path}[{index}]", name, why)


def _approval(errors: Errors, new: Object, old: Object | None) -> None:
    if not is_protected((new.get("spec") or {}).get("group") or ""):
        return
    state, message = approval(new)
    if old is not None and approval(old)[0] == state:
        return
    path = f"metadata.annotations[{APPROVAL}]"
    if state == "missing":
        errors.required(path, message)
    elif state == "invalid":
        errors.invalid(path, new["metadata"]["annotations"][APPROVAL], message)


DEFINITIONS = Rules(create=_create, update=_update, status=_status)
