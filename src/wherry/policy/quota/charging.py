"""Whether the quotas of a namespace allow one more object, or one that grows, and what they have then.

What always holds: a charge is accepted by all quotas that it concerns, or none of them changes.
Source: k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go (CheckRequest).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from wherry.api.types import Object
from wherry.machinery.quantity import ZERO, Quantity, parse
from wherry.policy.quota import pods
from wherry.policy.quota.amounts import Amounts, added, growth, only, shown, without
from wherry.policy.quota.scopes import Scope, meets, scopes_of
from wherry.policy.quota.usage import PODS, tracked, usage


class Refused(Exception):
    """A quota does not allow it; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Quota:
    """A ResourceQuota as its status has it, at one revision."""

    name: str
    revision: int
    scopes: tuple[Scope, ...]
    hard: Amounts
    used: Amounts
    obj: Object
    """The stored object, shared."""

    def interesting(self, resource: str, obj: Object) -> list[str]:
        """The names that the object counts for here; none where the quota does not concern it."""
        names = tracked(resource, self.hard)
        return names if names and meets(self.scopes, resource, obj) else []


def compiled(obj: Object) -> Quota:
    status = obj.get("status") or {}
    return Quota(
        obj["metadata"]["name"],
        int(obj["metadata"]["resourceVersion"]),
        scopes_of(obj),
        _parsed(status.get("hard")),
        _parsed(status.get("used")),
        obj,
    )


def _parsed(found: Mapping[str, str] | None) -> dict[str, Quantity]:
    return {name: parse(text) for name, text in (found or {}).items()}


@dataclass(frozen=True, slots=True)
class Charge:
    """An object that is about to be written; `old` is what it replaces."""

    resource: str
    obj: Object
    old: Object | None
    now: float

    def delta(self, quota: Quota) -> dict[str, Quantity]:
        """What it adds to a quota; empty where that is nothing."""
        names = quota.interesting(self.resource, self.obj)
        if not names:
            return {}
        wanted = usage(self.resource, self.obj, self.now)
        if self.old is not None and quota.interesting(self.resource, self.old):
            wanted = growth(wanted, usage(self.resource, self.old, self.now))
        return {name: amount for name, amount in only(wanted, names).items() if amount}


def charged(quotas: Iterable[Quota], charge: Charge) -> list[Quota]:
    """The quotas that change, with the charge in them. Raises `Refused`."""
    concerned = [(quota, names) for quota in quotas if (names := quota.interesting(charge.resource, charge.obj))]
    for quota, names in concerned:
        _check_stated(quota, names, charge)
    changed: list[Quota] = []
    for quota, _ in concerned:
        if delta := charge.delta(quota):
            _check_room(quota, delta)
            changed.append(replace(quota, used=added(quota.used, delta)))
    return changed


def returned(quotas: Iterable[Quota], charge: Charge) -> list[Quota]:
    """The quotas that change when a charge is taken back."""
    found = ((quota, charge.delta(quota)) for quota in quotas)
    return [replace(quota, used=without(quota.used, delta)) for quota, delta in found if delta]


def _check_stated(quota: Quota, names: list[str], charge: Charge) -> None:
    if charge.resource == PODS and (missing := pods.missing(charge.obj, names)):
        raise Refused(f"failed quota: {quota.name}: {missing}")
    if any(name not in quota.used for name in names):
        raise Refused(f"status unknown for quota: {quota.name}, resources: {','.join(names)}")
    negative = [name for name, amount in usage(charge.resource, charge.obj, charge.now).items() if amount < ZERO]
    if negative:
        raise Refused(f"quota usage is negative for resource(s): {','.join(sorted(negative))}")


def _check_room(quota: Quota, delta: Amounts) -> None:
    exceeded = [name for name, amount in delta.items() if quota.used[name] + amount > quota.hard[name]]
    if exceeded:
        asked, used, limited = (shown(only(each, exceeded)) for each in (delta, quota.used, quota.hard))
        raise Refused(f"exceeded quota: {quota.name}, requested: {asked}, used: {used}, limited: {limited}")
