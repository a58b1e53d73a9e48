"""When the pods of a job fail or succeed it, and who runs it. Source: pkg/apis/batch/validation (KEP-3329, 3850, 3998, 4368)."""

from __future__ import annotations

from wherry.api.types import Object
from wherry.api.validation.errors import Errors
from wherry.api.validation.fields import choice, non_negative, qualified_name
from wherry.machinery import names

_POD_ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
_MAX_RULES, _MAX_CONDITIONS, _MAX_CODES = 20, 20, 255
_MAX_INDEXES, _MAX_MANAGER = 64 * 1024, 63
_MANY, _MOST_OF_MANY = 100_000, 10_000
_NO_CONTAINER = "must be one of the container or initContainer names in the pod template"
_NO_DOMAIN = 'must be a domain-prefixed path (such as "acme.io/foo")'


def failure_policy(errors: Errors, spec: Object, path: str) -> None:
    rules = (spec.get("podFailurePolicy") or {}).get("rules") or ()
    if len(rules) > _MAX_RULES:
        errors.too_many(f"{path}.rules", len(rules), _MAX_RULES)
        return
    pod = (spec.get("template") or {}).get("spec") or {}
    known = {c.get("name") for key in ("containers", "initContainers") for c in pod.get(key) or ()}
    for i, rule in enumerate(rules):
        where = f"{path}.rules[{i}]"
        choice(errors, rule.get("action"), f"{where}.action", _POD_ACTIONS)
        if rule.get("action") == "FailIndex" and spec.get("backoffLimitPerIndex") is None:
            errors.invalid(f"{where}.action", "FailIndex", "requires the backoffLimitPerIndex to be set")
        codes, conditions = rule.get("onExitCodes"), rule.get("onPodConditions")
        if codes is not None and conditions:
            errors.invalid(where, rule, "specifying both OnExitCodes and OnPodConditions is not supported")
        if codes is None and not conditions:
            errors.invalid(where, rule, "specifying one of OnExitCodes and OnPodConditions is required")
        if codes is not None:
            _exit_codes(errors, codes, known, f"{where}.onExitCodes")
        _conditions(errors, conditions or [], f"{where}.onPodConditions")


def _exit_codes(errors: Errors, codes: Object, known: set[str | None], path: str) -> None:
    operator, values, container = codes.get("operator"), codes.get("values") or [], codes.get("containerName")
    choice(errors, operator, f"{path}.operator", ("In", "NotIn"))
    if container is not None and container not in known:
        errors.invalid(f"{path}.containerName", container, _NO_CONTAINER)
    if not values:
        errors.invalid(f"{path}.values", values, "at least one value is required")
    elif len(values) > _MAX_CODES:
        errors.too_many(f"{path}.values", len(values), _MAX_CODES)
        return
    for i, value in enumerate(values):
        if value in values[:i]:
            errors.duplicate(f"{path}.values[{i}]", value)
        elif operator == "In" and value == 0:
            errors.invalid(f"{path}.values[{i}]", value, "must not be 0 for the In operator")
    if values != sorted(values):
        errors.invalid(f"{path}.values", values, "must be ordered")


def _conditions(errors: Errors, conditions: list[Object], path: str) -> None:
    if len(conditions) > _MAX_CONDITIONS:
        errors.too_many(path, len(conditions), _MAX_CONDITIONS)
        return
    for i, condition in enumerate(conditions):
        qualified_name(errors, condition.get("type") or "", f"{path}[{i}].type")
        choice(errors, condition.get("status"), f"{path}[{i}].status", ("False", "True", "Unknown"))


def success_policy(errors: Errors, spec: Object, path: str) -> None:
    policy = spec["successPolicy"]
    if spec.get("completionMode") != "Indexed":
        errors.invalid(path, policy, "requires indexed completion mode")
        return
    rules = policy.get("rules") or ()
    if not rules:
        text = "at least one rules must be specified when the successPolicy is specified"
        errors.required(f"{path}.rules", text)
    if len(rules) > _MAX_RULES:
        errors.too_many(f"{path}.rules", len(rules), _MAX_RULES)
    for i, rule in enumerate(rules):
        _success_rule(errors, rule, spec.get("completions") or 0, f"{path}.rules[{i}]")


def _success_rule(errors: Errors, rule: Object, completions: int, path: str) -> None:
    count, indexes = rule.get("succeededCount"), rule.get("succeededIndexes")
    if count is None and indexes is None:
        errors.required(path, "at least one of succeededCount or succeededIndexes must be specified")
    total = 0
    if indexes is not None:
        if len(indexes) > _MAX_INDEXES:
            errors.too_long(f"{path}.succeededIndexes", _MAX_INDEXES)
        try:
            total = _count_indexes(indexes, completions)
        except ValueError as error:
            errors.invalid(f"{path}.succeededIndexes", indexes, f"error parsing succeededIndexes: {error}")
    if count is None:
        return
    non_negative(errors, rule, path, "succeededCount")
    if count > completions:
        text = f"must be less than or equal to {completions} (the number of specified completions)"
        errors.invalid(f"{path}.succeededCount", count, text)
    if indexes is not None and count > total:
        text = f"must be less than or equal to {total} (the number of indexes in the specified succeededIndexes field)"
        errors.invalid(f"{path}.succeededCount", count, text)


def _count_indexes(text: str, completions: int) -> int:
    """How many there are in `0,2-4`. Raises `ValueError` in upstream's words."""
    total, last = 0, -1
    for part in text.split(",") if text else ():
        limits = part.split("-")
        if len(limits) > 2:
            why = "violates the requirement that an index interval can have at most two parts separated by '-'"
            raise ValueError(f'the fragment "{part}" {why}')
        numbers = [_index(limit, completions) for limit in limits]
        for number in numbers:
            if number <= last:
                raise ValueError(f"non-increasing order, previous: {last}, current: {number}")
            total, last = total + (number - last if number is not numbers[0] else 1), number
    return total


def _index(text: str, completions: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise ValueError(f'cannot convert string to integer for index: "{text}"')
    if int(text) >= completions:
        raise ValueError(f'too large index: "{text}"')
    return int(text)


def failed_indexes(errors: Errors, spec: Object, path: str) -> None:
    """Limits of what may fail in an indexed job."""
    completions, most = spec.get("completions") or 0, spec.get("maxFailedIndexes")
    per_index = spec.get("backoffLimitPerIndex")
    if most is not None:
        if most > completions:
            errors.invalid(f"{path}.maxFailedIndexes", most, "must be less than or equal to completions")
        if per_index is None:
            errors.required(f"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified")
    if completions <= _MANY or per_index is None:
        return
    text = f"must be less than or equal to {_MOST_OF_MANY} when completions are above {_MANY} and used with backoff limit per index"
    if most is None:
        errors.required(f"{path}.maxFailedIndexes", f"must be specified when completions is above {_MANY}")
    elif most > _MOST_OF_MANY:
        errors.invalid(f"{path}.maxFailedIndexes", most, text)
    if (parallelism := spec.get("parallelism") or 0) > _MOST_OF_MANY:
        errors.invalid(f"{path}.parallelism", parallelism, text)


def managed_by(errors: Errors, manager: str, path: str) -> None:
    """Another controller, as `example.com/name`."""
    domain, slash, rest = manager.partition("/")
    if not manager:
        errors.required(path)
    elif not (slash and domain and rest):
        errors.invalid(path, manager, _NO_DOMAIN)
    else:
        errors.each(path, domain, names.dns1123_subdomain(domain))
        errors.each(path, rest, names.http_path(rest))
    if len(manager) > _MAX_MANAGER:
        errors.too_long(path, _MAX_MANAGER)
