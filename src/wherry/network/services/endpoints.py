"""Which endpoints of a Service one node uses: readiness, topology hints and traffic policies.

Source: kube-proxy's `CategorizeEndpoints`; KEP-1669 (terminating endpoints), KEP-2086 (internal traffic policy),
KEP-3015 and KEP-2433 (hints).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from wherry.api.types import Object
from wherry.network.services.model import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a proxy stands."""

    node: str
    zone: str = ""
    everywhere: bool = False
    """Every endpoint is local: one proxy serves all nodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One endpoint of a slice, with what decides over it."""

    endpoint: Endpoint
    ready: bool
    serving: bool
    terminating: bool
    for_nodes: frozenset[str]
    for_zones: frozenset[str]

    @property
    def last_resort(self) -> bool:
        """Going away, but it still answers: used where nothing else is left."""
        return not self.ready and self.serving and self.terminating


@dataclass(frozen=True, slots=True)
class Choice:
    """The endpoints in use; `anywhere` says whether the cluster has any at all."""

    cluster: tuple[Endpoint, ...] = ()
    local: tuple[Endpoint, ...] = ()
    anywhere: bool = False


def candidates(slices: Iterable[Object], *, port: str, protocol: str, place: Place, family: str) -> list[Candidate]:
    """The endpoints for one port of a Service, each once, over all its slices, in the order of their addresses."""
    found: dict[tuple[str, int, str], Candidate] = {}
    for slice_ in slices:
        if slice_.get("addressType") != family:
            continue
        number = _port_number(slice_, port, protocol)
        if number is None:
            continue
        for entry in slice_.get("endpoints") or ():
            for address in entry.get("addresses") or ():
                candidate = _candidate(entry, address, number, place)
                key = (address, number, candidate.endpoint.pod)
                # A pod may stand in two slices while it moves from one to the other: the one that is ready counts.
                if key not in found or candidate.ready:
                    found[key] = candidate
    return [found[key] for key in sorted(found)]


def choose(found: Sequence[Candidate], *, place: Place, local_too: bool) -> Choice:
    """Decide. `local_too`: some policy of the Service asks for the endpoints of this node only."""
    ready = [candidate for candidate in found if candidate.ready]
    last_resort = [candidate for candidate in found if candidate.last_resort]
    cluster = _near(ready, place) or last_resort
    local = _local(ready) or _local(last_resort) if local_too else []
    return Choice(_endpoints(cluster), _endpoints(local), bool(ready or last_resort))


def _port_number(slice_: Object, name: str, protocol: str) -> int | None:
    for port in slice_.get("ports") or ():
        if (port.get("name") or "") == name and port.get("protocol", "TCP") == protocol:
            number: int | None = port.get("port")
            return number
    return None


def _candidate(entry: Object, address: str, port: int, place: Place) -> Candidate:
    conditions = entry.get("conditions") or {}
    target = entry.get("targetRef") or {}
    hints = entry.get("hints") or {}
    ready = _condition(conditions, "ready", True)
    return Candidate(
        endpoint=Endpoint(
            address=address,
            port=port,
            local=place.everywhere or entry.get("nodeName") == place.node,
            pod=target.get("name", "") if target.get("kind") == "Pod" else "",
        ),
        ready=ready,
        serving=_condition(conditions, "serving", ready),
        terminating=_condition(conditions, "terminating", False),
        for_nodes=frozenset(hint["name"] for hint in hints.get("forNodes") or ()),
        for_zones=frozenset(hint["name"] for hint in hints.get("forZones") or ()),
    )


def _condition(conditions: Object, name: str, unknown: bool) -> bool:
    value = conditions.get(name)
    return unknown if value is None else bool(value)


def _near(ready: list[Candidate], place: Place) -> list[Candidate]:
    """Those meant for this node, else for its zone, else all. Hints count only where every endpoint has them."""
    return (
        _hinted(ready, place.node, lambda candidate: candidate.for_nodes)
        or _hinted(ready, place.zone, lambda candidate: candidate.for_zones)
        or ready
    )


def _hinted(ready: list[Candidate], name: str, hints: Callable[[Candidate], Collection[str]]) -> list[Candidate]:
    if not name or not all(hints(candidate) for candidate in ready):
        return []
    return [candidate for candidate in ready if name in hints(candidate)]


def _local(found: Iterable[Candidate]) -> list[Candidate]:
    return [candidate for candidate in found if candidate.endpoint.local]


def _endpoints(found: Iterable[Candidate]) -> tuple[Endpoint, ...]:
    return tuple(candidate.endpoint for candidate in found)
