"""Storage classes, volume attributes classes and what CSI drivers say of themselves.

Source: pkg/apis/storage/validation/validation.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from wherry.api.semantic import same
from wherry.api.types import Object
from wherry.api.validation.dra_fields import driver_name
from wherry.api.validation.errors import Errors
from wherry.api.validation.fields import choice, choice_if_set, immutable, non_negative
from wherry.api.validation.labels import label_name, selector
from wherry.api.validation.resources import amount
from wherry.api.validation.rules import Rules
from wherry.machinery import names

_MAX_PARAMETERS, _MAX_PARAMETER_BYTES = 512, 256 * 1024
_MAX_NODE_ID, _MAX_ERROR = 192, 1024
_MIN_TOKEN_SECONDS, _MAX_TOKEN_SECONDS = 600, 1 << 32
_FORBIDDEN = "updates to {} are forbidden."
_ONE_SOURCE = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"


def storage_class(errors: Errors, obj: Object) -> None:
    _provisioner(errors, obj.get("provisioner"), "provisioner")
    _parameters(errors, obj.get("parameters") or {})
    choice_if_set(errors, obj.get("reclaimPolicy"), "reclaimPolicy", ("Delete", "Retain"))
    choice(errors, obj.get("volumeBindingMode"), "volumeBindingMode", ("Immediate", "WaitForFirstConsumer"))
    _topologies(errors, obj.get("allowedTopologies") or ())


def update_storage_class(errors: Errors, new: Object, old: Object) -> None:
    storage_class(errors, new)
    _unchanged(errors, new, old, "parameters", "provisioner", "reclaimPolicy", "volumeBindingMode")


def _provisioner(errors: Errors, name: str | None, path: str) -> None:
    if not name:
        errors.required(path)
    else:
        errors.each(path, name, names.label_key(name.lower()))


def _parameters(errors: Errors, parameters: Object) -> None:
    if len(parameters) > _MAX_PARAMETERS:
        errors.too_many("parameters", len(parameters), _MAX_PARAMETERS)
    if sum(len(k) + len(v or "") for k, v in parameters.items()) > _MAX_PARAMETER_BYTES:
        errors.too_long("parameters", _MAX_PARAMETER_BYTES)
    if "" in parameters:
        errors.invalid("parameters", "", "field can not be empty.")


def _unchanged(errors: Errors, new: Object, old: Object, *keys: str) -> None:
    for key in keys:
        if not same(new.get(key) or None, old.get(key) or None):
            errors.forbidden(key, _FORBIDDEN.format(key))


def _topologies(errors: Errors, terms: Sequence[Object]) -> None:
    """Terms are told apart by what they allow; upstream gives the path of a term without its number."""
    seen: list[dict[str, set[str]]] = []
    for i, term in enumerate(terms):
        allowed: dict[str, set[str]] = {}
        for j, expression in enumerate(term.get("matchLabelExpressions") or ()):
            path = f"allowedTopologies.matchLabelExpressions[{j}]"
            key = expression.get("key") or ""
            _values(errors, expression.get("values") or (), path)
            label_name(errors, key, f"{path}.key")
            if key in allowed:
                errors.duplicate(f"{path}.key", key)
            allowed[key] = set(expression.get("values") or ())
        if allowed in seen:
            errors.duplicate(f"allowedTopologies[{i}].matchLabelExpressions", "")
        seen.append(allowed)


def _values(errors: Errors, values: Sequence[str], path: str) -> None:
    if not values:
        errors.required(f"{path}.values")
    for i, value in enumerate(values):
        if value in values[:i]:
            errors.duplicate(f"{path}.values[{i}]", value)


def attributes_class(errors: Errors, obj: Object) -> None:
    _provisioner(errors, obj.get("driverName"), "driverName")
    if not obj.get("parameters"):
        errors.required("parameters", "must contain at least one key-value pair")
    _parameters(errors, obj.get("parameters") or {})


def update_attributes_class(errors: Errors, new: Object, old: Object) -> None:
    _unchanged(errors, new, old, "driverName", "parameters")


def driver(errors: Errors, obj: Object) -> None:
    name, spec = (obj.get("metadata") or {}).get("name") or "", obj.get("spec") or {}
    if len(name) > 63:
        errors.too_long("metadata.name", 63)
    for key in ("attachRequired", "podInfoOnMount", "storageCapacity"):
        if spec.get(key) is None:
            errors.required(f"spec.{key}")
    policy = spec.get("fsGroupPolicy")
    choice(errors, policy, "spec.fsGroupPolicy", ("File", "None", "ReadWriteOnceWithFSType"))
    for mode in spec.get("volumeLifecycleModes") or ():
        if mode not in ("Ephemeral", "Persistent"):
            errors.not_supported("spec.volumeLifecycleModes", mode, ("Ephemeral", "Persistent"))
    _token_requests(errors, spec.get("tokenRequests") or ())
    period = spec.get("nodeAllocatableUpdatePeriodSeconds")
    if period is not None and period < 10:
        errors.invalid("spec.nodeAllocatableUpdatePeriodSeconds", period, "must be greater than or equal to 10 seconds")


def _token_requests(errors: Errors, requests: Sequence[Object]) -> None:
    seen: set[str] = set()
    for i, request in enumerate(requests):
        path, audience, seconds = (
            f"spec.tokenRequests[{i}]",
            request.get("audience") or "",
            request.get("expirationSeconds"),
        )
        if audience in seen:
            errors.duplicate(f"{path}.audience", audience)
        seen.add(audience)
        if seconds is None:
            continue
        if seconds < _MIN_TOKEN_SECONDS:
            errors.invalid(f"{path}.expirationSeconds", seconds, "may not specify a duration less than 10 minutes")
        if seconds > _MAX_TOKEN_SECONDS:
            text = "may not specify a duration larger than 2^32 seconds"
            errors.invalid(f"{path}.expirationSeconds", seconds, text)


def update_driver(errors: Errors, new: Object, old: Object) -> None:
    driver(errors, new)
    after, before = new.get("spec") or {}, old.get("spec") or {}
    for key in ("attachRequired", "volumeLifecycleModes"):
        immutable(errors, after.get(key), before.get(key), f"spec.{key}")


def node(errors: Errors, obj: Object) -> None:
    seen: set[str] = set()
    for i, found in enumerate((obj.get("spec") or {}).get("drivers") or ()):
        path, name = f"spec.drivers[{i}]", found.get("name") or ""
        driver_name(errors, name, f"{path}.name")
        _node_id(errors, found.get("nodeID") or "", f"{path}.nodeID")
        non_negative(errors, found.get("allocatable") or {}, f"{path}.allocatable", "count")
        keys = found.get("topologyKeys") or ()
        for j, key in enumerate(keys):
            if key in keys[:j]:
                errors.duplicate(f"{path}.topologyKeys", key)
            label_name(errors, key, f"{path}.topologyKeys")
        if name and name in seen:
            errors.duplicate(f"{path}.name", name)
        seen.add(name)


def _node_id(errors: Errors, node_id: str, path: str) -> None:
    if not node_id:
        errors.required(path)
    if len(node_id) > _MAX_NODE_ID:
        errors.invalid(path, node_id, f"must be {_MAX_NODE_ID} characters or less")


def update_node(errors: Errors, new: Object, old: Object) -> None:
    """Drivers come and go; what is said of one stays, except how many volumes it still takes."""
    node(errors, new)
    known = {found.get("name"): found for found in (old.get("spec") or {}).get("drivers") or ()}
    for found in (new.get("spec") or {}).get("drivers") or ():
        stored = known.get(found.get("name"))
        if stored is not None and not same({**found, "allocatable": None}, {**stored, "allocatable": None}):
            errors.invalid("CSINodeDriver", found, "field is immutable")


def capacity(errors: Errors, obj: Object) -> None:
    name = obj.get("storageClassName") or ""
    errors.each("storageClassName", name, names.dns1123_subdomain(name))
    for key in ("capacity", "maximumVolumeSize"):
        value = obj.get(key)
        if value is not None and (found := amount(errors, value, key)) is not None and found.nanos < 0:
            errors.invalid(key, str(found), "must be greater than or equal to 0")
    selector(errors, obj.get("nodeTopology"), "nodeTopology")


def update_capacity(errors: Errors, new: Object, old: Object) -> None:
    capacity(errors, new)
    for key in ("nodeTopology", "storageClassName"):
        immutable(errors, new.get(key), old.get(key), key)


def attachment(errors: Errors, obj: Object) -> None:
    spec = obj.get("spec") or {}
    source = spec.get("source") or {}
    driver_name(errors, spec.get("attacher"), "spec.attacher")
    inline, volume = source.get("inlineVolumeSpec"), source.get("persistentVolumeName")
    if inline is None and volume is None:
        errors.required("spec.source", _ONE_SOURCE)
    elif inline is not None and volume is not None:
        errors.forbidden("spec.source", _ONE_SOURCE)
    elif volume == "":
        errors.required("spec.source.persistentVolumeName", "must specify non empty persistentVolumeName")
    elif volume is not None:
        errors.each("spec.source.persistentVolumeName", volume, names.dns1123_subdomain(volume))
    node_name = spec.get("nodeName") or ""
    if not node_name:
        errors.required("spec.nodeName")
    else:
        errors.each("spec.nodeName", node_name, names.dns1123_subdomain(node_name))
    _attachment_status(errors, obj.get("status") or {})


def _attachment_status(errors: Errors, status: Object) -> None:
    for key in ("attachError", "detachError"):
        if len((status.get(key) or {}).get("message") or "") > _MAX_ERROR:
            errors.too_long(f"status.{key}.message", _MAX_ERROR)


def update_attachment(errors: Errors, new: Object, old: Object) -> None:
    attachment(errors, new)
    if not same(new.get("spec"), old.get("spec")):
        errors.invalid("spec", new.get("spec"), "field is immutable")


def status_of_attachment(errors: Errors, new: Object, old: Object) -> None:
    _attachment_status(errors, new.get("status") or {})


STORAGE_CLASSES = Rules(create=storage_class, update=update_storage_class)
ATTRIBUTES_CLASSES = Rules(create=attributes_class, update=update_attributes_class)
DRIVERS = Rules(create=driver, update=update_driver)
NODES = Rules(create=node, update=update_node)
CAPACITIES = Rules(create=capacity, update=update_capacity)
ATTACHMENTS = Rules(create=attachment, update=update_attachment, status=status_of_attachment)
