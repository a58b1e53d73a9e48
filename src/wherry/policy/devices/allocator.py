"""Choosing devices for claims: depth first, request by request, back where a constraint or a lack stands in the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wherry.api.device_selectors import SelectorError, compiled, matches
from wherry.api.types import Object
from wherry.machinery.cel.values import EvaluationError
from wherry.policy.devices.claims import alternatives, requests_of
from wherry.policy.devices.offers import Device, Id, place

MAX_STEPS = 100_000
"""Of one search; beyond, the node counts as one without the devices."""

ClassOf = Callable[[str], Object | None]


@dataclass(frozen=True, slots=True)
class _Pick:
    request: str
    asked: Object
    devices: tuple[Device, ...]


class _TooLong(Exception):
    pass


class Search:
    """Over the devices of one node. `taken` are devices that others have."""

    def __init__(self, devices: Sequence[Device], taken: set[Id], class_of: ClassOf, *, complete: bool = True) -> None:
        self._devices = devices
        self._taken = set(taken)
        self._class_of = class_of
        self._complete = complete
        self._steps = 0

    def allocate(self, claims: Sequence[Object]) -> list[Object] | None:
        """An allocation for each claim; None where not all can have theirs."""
        try:
            return self._claims(claims)
        except _TooLong:
            return None

    def _claims(self, claims: Sequence[Object]) -> list[Object] | None:
        if not claims:
            return []
        first, rest = claims[0], claims[1:]
        for picks in self._picks(first, requests_of(first), ()):
            own = {device.id for pick in picks if not pick.asked.get("adminAccess") for device in pick.devices}
            self._taken |= own
            others = self._claims(rest)
            self._taken -= own
            if others is not None:
                return [self._result(first, picks), *others]
        return None

    def _picks(
        self, claim: Object, requests: Sequence[Object], so_far: tuple[_Pick, ...]
    ) -> Iterator[tuple[_Pick, ...]]:
        if not requests:
            yield so_far
            return
        for name, asked in alternatives(requests[0]):
            for devices in self._sets(claim, name, asked, so_far):
                yield from self._picks(claim, requests[1:], (*so_far, _Pick(name, asked, devices)))

    def _sets(self, claim: Object, name: str, asked: Object, so_far: tuple[_Pick, ...]) -> Iterator[tuple[Device, ...]]:
        """The sets of devices that would do for one request."""
        suitable = [device for device in self._devices if self._suits(device, asked)]
        looks_on = bool(asked.get("adminAccess"))
        used = {device.id for pick in so_far if not pick.asked.get("adminAccess") for device in pick.devices}
        free = [d for d in suitable if looks_on or (d.id not in self._taken and d.id not in used)]
        if asked.get("allocationMode") == "All":
            whole = tuple(free)
            fits = suitable and len(free) == len(suitable) and self._complete
            if fits and all(_agrees(claim, name, d, whole[:i], so_far) for i, d in enumerate(whole)):
                yield whole
            return
        yield from self._choose(claim, name, free, asked.get("count") or 1, (), so_far)

    def _choose(
        self,
        claim: Object,
        name: str,
        free: Sequence[Device],
        count: int,
        chosen: tuple[Device, ...],
        so_far: tuple[_Pick, ...],
    ) -> Iterator[tuple[Device, ...]]:
        if len(chosen) == count:
            yield chosen
            return
        for i, device in enumerate(free[: len(free) - (count - len(chosen)) + 1]):
            self._steps += 1
            if self._steps > MAX_STEPS:
                raise _TooLong
            if _agrees(claim, name, device, chosen, so_far):
                yield from self._choose(claim, name, free[i + 1 :], count, (*chosen, device), so_far)

    def _suits(self, device: Device, asked: Object) -> bool:
        class_ = self._class_of(asked["deviceClassName"])
        if class_ is None or not _tolerated(device, asked):
            return False
        selectors = [*(class_["spec"].get("selectors") or ()), *(asked.get("selectors") or ())]
        return all(_selected(selector, device) for selector in selectors)

    def _result(self, claim: Object, picks: Sequence[_Pick]) -> Object:
        results = [_entry(pick, device) for pick in picks for device in pick.devices]
        devices: Object = {"results": results}
        if config := [*self._class_config(picks), *_claim_config(claim, picks)]:
            devices["config"] = config
        found: Object = {"devices": devices}
        if (term := _where([device for pick in picks for device in pick.devices])) is not None:
            found["nodeSelector"] = {"nodeSelectorTerms": [term]}
        return found

    def _class_config(self, picks: Sequence[_Pick]) -> Iterator[Object]:
        for pick in picks:
            class_ = self._class_of(pick.asked["deviceClassName"]) or {"spec": {}}
            for config in class_["spec"].get("config") or ():
                yield {"source": "FromClass", "requests": [pick.request], **config}


def _claim_config(claim: Object, picks: Sequence[_Pick]) -> Iterator[Object]:
    """What is for requests that were chosen; without requests it is for all."""
    for config in claim["spec"]["devices"].get("config") or ():
        named = config.get("requests") or ()
        if not named or any(_is_for(name, pick.request) for name in named for pick in picks):
            yield {"source": "FromClaim", **config}


def _entry(pick: _Pick, device: Device) -> Object:
    driver, pool, name = device.id
    found: Object = {"request": pick.request, "driver": driver, "pool": pool, "device": name}
    if pick.asked.get("adminAccess"):
        found["adminAccess"] = True
    if tolerations := pick.asked.get("tolerations"):
        found["tolerations"] = tolerations
    return found


def _where(devices: Sequence[Device]) -> Object | None:
    """One term that holds wherever all of the devices can be used."""
    term: dict[str, list[Any]] = {}
    for each in filter(None, map(place, devices)):
        for key in ("matchExpressions", "matchFields"):
            for requirement in each.get(key) or ():
                if requirement not in term.setdefault(key, []):
                    term[key].append(requirement)
    return {key: values for key, values in term.items() if values} or None


def _selected(selector: Object, device: Device) -> bool:
    """A selector that does not work on a device is not for it."""
    try:
        program = compiled((selector.get("cel") or {}).get("expression") or "true")
        return matches(program, driver=device.id[0], device=device.spec)
    except (SelectorError, EvaluationError):
        return False


def _tolerated(device: Device, asked: Object) -> bool:
    taints = [t for t in device.spec.get("taints") or () if t.get("effect") in ("NoSchedule", "NoExecute")]
    return all(any(_tolerates(t, taint) for t in asked.get("tolerations") or ()) for taint in taints)


def _tolerates(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    return toleration.get("operator") == "Exists" or toleration.get("value", "") == taint.get("value", "")


def _is_for(name: str, request: str) -> bool:
    """A request is also named by what it is an alternative of."""
    return name in (request, request.partition("/")[0])


def _agrees(claim: Object, name: str, device: Device, chosen: tuple[Device, ...], so_far: tuple[_Pick, ...]) -> bool:
    """Whether the device goes with those before it, by the claim's constraints."""
    for constraint in claim["spec"]["devices"].get("constraints") or ():
        named = constraint.get("requests") or ()
        if named and not any(_is_for(each, name) for each in named):
            continue
        earlier = [d for p in so_far if not named or any(_is_for(e, p.request) for e in named) for d in p.devices]
        if not _holds(constraint, device, [*earlier, *chosen]):
            return False
    return True


def _holds(constraint: Object, device: Device, others: Sequence[Device]) -> bool:
    """A device without the attribute goes with none."""
    if (key := constraint.get("matchAttribute")) is not None:
        value = _attribute(device, key)
        return value is not None and all(_attribute(other, key) == value for other in others)
    key = constraint["distinctAttribute"]
    value = _attribute(device, key)
    return value is not None and all(_attribute(other, key) != value for other in others)


def _attribute(device: Device, key: str) -> tuple[str, Any] | None:
    attributes: Mapping[str, Object] = device.spec.get("attributes") or {}
    found = attributes.get(key)
    domain, _, short = key.partition("/")
    if found is None and domain == device.id[0]:
        found = attributes.get(short)
    return next(iter(found.items()), None) if found else None
