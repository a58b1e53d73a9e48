"""What the kinds of dynamic resource allocation share: names, sized lists, tolerations, opaque parameters.

Source: pkg/apis/resource/validation/validation.go (KEP-4381, KEP-5055).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import orjson

from wherry.api.types import Object
from wherry.api.validation.errors import Errors
from wherry.api.validation.labels import label_name
from wherry.machinery import names

MAX_LIST = 32
MAX_PARAMETER_BYTES = MAX_EXPRESSION_BYTES = 10 * 1024
TAINT_EFFECTS = ("NoExecute", "NoSchedule", "None")
_MAX_DRIVER, _MAX_IDENTIFIER, _MAX_POOL = 63, 32, 253
_MAX_BINDING_CONDITIONS = 4

CheckItem = Callable[[Errors, Any, str], None]


def items(
    errors: Errors,
    found: Sequence[Any] | None,
    path: str,
    most: int,
    check: CheckItem,
    *,
    key: Callable[[Any], Hashable] | None = None,
) -> None:
    """Every item by its own rule, if there are not too many; with a `key` none may come twice."""
    found = found or ()
    if 0 <= most < len(found):
        errors.too_many(path, len(found), most)
        return
    for i, item in enumerate(found):
        check(errors, item, f"{path}[{i}]")
    seen: set[Hashable] = set()
    for i, item in enumerate(found if key is not None else ()):
        name = key(item) if key is not None else None
        if name in seen:
            errors.duplicate(f"{path}[{i}]", name)
        seen.add(name)


def by_name(item: Object) -> str:
    name: str = item.get("name") or ""
    return name


def itself(item: Any) -> Any:
    return item


def driver_name(errors: Errors, name: str | None, path: str) -> None:
    if not name:
        errors.required(path)
        return
    if len(name) > _MAX_DRIVER:
        errors.too_long(path, _MAX_DRIVER)
    errors.each(path, name, names.dns1123_subdomain(name.lower()))


def pool_name(errors: Errors, name: str | None, path: str) -> None:
    """Subdomains with slashes between them."""
    if not name:
        errors.required(path)
        return
    if len(name) > _MAX_POOL:
        errors.too_long(path, _MAX_POOL)
    for part in name.split("/"):
        errors.each(path, part, names.dns1123_subdomain(part))


def label(errors: Errors, name: str | None, path: str) -> None:
    errors.each(path, name or "", names.dns1123_label(name or ""))


def class_name(errors: Errors, name: str | None, path: str) -> None:
    if not name:
        errors.required(path)
    else:
        errors.each(path, name, names.dns1123_subdomain(name))


def qualified(errors: Errors, name: str, path: str) -> None:
    """`identifier` or `domain/identifier`."""
    parts = name.split("/")
    if len(parts) > 2:
        errors.invalid(path, name, "must not contain more than one slash")
        return
    if len(parts) == 2:
        if not parts[0]:
            errors.invalid(path, "", "the domain must not be empty")
        else:
            driver_name(errors, parts[0], path)
        if not parts[1]:
            errors.invalid(path, "", "the name must not be empty")
            return
    identifier = parts[-1]
    if len(identifier) > _MAX_IDENTIFIER:
        errors.too_long(path, _MAX_IDENTIFIER)
    errors.each(path, identifier, names.c_identifier(identifier))


def fully_qualified(errors: Errors, name: str, path: str) -> None:
    qualified(errors, name, path)
    if "/" not in name:
        errors.invalid(path, name, "a fully qualified name must be a domain and a name separated by a slash")


def selector(errors: Errors, found: Object, path: str) -> None:
    """One CEL selector: that there is one, not too long, that compiles and is worth its cost."""
    cel = found.get("cel")
    if cel is None:
        errors.required(f"{path}.cel")
    elif len(cel.get("expression") or "") > MAX_EXPRESSION_BYTES:
        errors.too_long(f"{path}.cel.expression", MAX_EXPRESSION_BYTES)
    else:
        _expression(errors, cel.get("expression") or "", f"{path}.cel.expression")


def _expression(errors: Errors, text: str, path: str) -> None:
    # Only who validates such an object needs CEL.
    from wherry.api import device_selectors

    try:
        too_complex = device_selectors.compiled(text).cost_estimate().high > device_selectors.MAX_COST
    except device_selectors.SelectorError as error:
        errors.invalid(path, text, str(error))
        return
    if too_complex:
        errors.forbidden(path, "too complex, exceeds cost limit")


def opaque(errors: Errors, config: Object, path: str) -> None:
    """The parameters that only a driver understands."""
    found = config.get("opaque")
    if found is None:
        errors.required(f"{path}.opaque")
        return
    driver_name(errors, found.get("driver"), f"{path}.opaque.driver")
    parameters(errors, found.get("parameters"), f"{path}.opaque.parameters", MAX_PARAMETER_BYTES)


def parameters(errors: Errors, found: Any, path: str, most: int) -> None:
    if found is None:
        errors.required(path)
    elif len(orjson.dumps(found)) > most:
        errors.too_long(path, most)
    elif not isinstance(found, dict):
        errors.invalid(path, "<value omitted>", "must be a valid JSON object")


def toleration(errors: Errors, found: Object, path: str) -> None:
    key, operator, value = found.get("key"), found.get("operator") or "", found.get("value") or ""
    if key:
        label_name(errors, key, f"{path}.key")
    if operator == "Exists":
        if value:
            errors.invalid(f"{path}.value", value, "must be empty for operator `Exists`")
    elif operator == "Equal":
        errors.each(f"{path}.value", value, names.label_value(value))
    elif not operator:
        errors.required(f"{path}.operator")
    else:
        errors.not_supported(f"{path}.operator", operator, ("Equal", "Exists"))
    effect = found.get("effect")
    if effect and effect not in TAINT_EFFECTS:
        errors.not_supported(f"{path}.effect", effect, TAINT_EFFECTS)


def taint(errors: Errors, found: Object, path: str) -> None:
    label_name(errors, found.get("key") or "", f"{path}.key")
    if value := found.get("value"):
        errors.each(f"{path}.value", value, names.label_value(value))
    effect = found.get("effect")
    if not effect:
        errors.required(f"{path}.effect")
    elif effect not in TAINT_EFFECTS:
        errors.not_supported(f"{path}.effect", effect, TAINT_EFFECTS)


def binding_conditions(errors: Errors, found: Object, path: str) -> None:
    """What must be true before pods with the device are bound, and what must not; neither without the other."""
    good, bad = found.get("bindingConditions") or [], found.get("bindingFailureConditions") or []
    items(errors, good, f"{path}.bindingConditions", _MAX_BINDING_CONDITIONS, label_name, key=itself)
    items(errors, bad, f"{path}.bindingFailureConditions", _MAX_BINDING_CONDITIONS, label_name, key=itself)
    for i, condition in enumerate(bad):
        if condition in good:
            text = "bindingFailureConditions must not overlap with bindingConditions"
            errors.invalid(f"{path}.bindingFailureConditions[{i}]", condition, text)
    if bad and not good:
        text = "bindingConditions are required to use bindingFailureConditions"
        errors.invalid(f"{path}.bindingConditions", good, text)
    if good and not bad:
        text = "bindingFailureConditions are required to use bindingConditions"
        errors.invalid(f"{path}.bindingFailureConditions", bad, text)
