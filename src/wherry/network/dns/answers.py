"""What the cluster says to a query, or that somebody else must be asked. Pure.

Names of the cluster's zone are never passed on: what is not there does not exist. Reverse names that no Service has, and
all others, belong to somebody else.
"""

from __future__ import annotations

import ipaddress
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from wherry.network.dns import records
from wherry.network.dns.messages import Answer, Code, Query
from wherry.network.dns.records import IN, Record, Type
from wherry.network.dns.zone import Records

_DASHED = re.compile(r"\d{1,3}(-\d{1,3}){3}|[0-9a-f-]*-[0-9a-f-]*")
_LONGEST_CHAIN = 8


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Ask others for `name`; the records found so far (names that lead there) come first in the answer."""

    name: str
    found: tuple[Record, ...] = ()


def answer(query: Query, names: Records, zone: str, rng: random.Random | None = None) -> Answer | Elsewhere:
    """Decide. `rng` mixes the order of addresses, so that clients which take the first spread out."""
    if query.class_ != IN:
        return Answer(code=Code.REFUSED, authoritative=False)
    found: list[Record] = []
    name = query.key
    for _ in range(_LONGEST_CHAIN):
        if not _is_ours(name, zone, names):
            return Elsewhere(name, tuple(found))
        here = _at(name, names, zone)
        matching = [record for record in here if record.type == query.type or query.type == Type.ANY]
        alias = next((record for record in here if record.type == Type.CNAME), None)
        if matching or alias is None or alias.target is None:
            found += matching
            break
        found.append(alias)
        name = alias.target
    if not found or found[-1].type != query.type != Type.ANY:
        return _nothing(name, names, zone, found, bool(here))
    return Answer(records=_mixed(found, rng), additional=_additional(found, names))


def _is_ours(name: str, zone: str, names: Records) -> bool:
    return name == zone or name.endswith(f".{zone}") or bool(names.at(name))


def _at(name: str, names: Records, zone: str) -> Sequence[Record]:
    if name == zone:
        return (*names.at(name), records.start_of_authority(zone, names.generation))
    found = [record for record in names.at(name) if record.type]
    return found or _pod(name, names, zone)


def _pod(name: str, names: Records, zone: str) -> Sequence[Record]:
    """`1-2-3-4.NAMESPACE.pod.ZONE` is 1.2.3.4, whether such a pod is there or not, if the namespace is."""
    first, _, parent = name.partition(".")
    if not parent.endswith(f".pod.{zone}") or not _DASHED.fullmatch(first) or not names.exists(parent):
        return ()
    for separator in (".", ":"):
        try:
            address = ipaddress.ip_address(first.replace("-", separator))
        except ValueError:
            continue
        return (records.address(name, str(address)),)
    return ()


def _nothing(name: str, names: Records, zone: str, found: list[Record], known: bool) -> Answer:
    exists = known or names.exists(name)
    authority = (records.start_of_authority(zone, names.generation),)
    return Answer(code=Code.NOERROR if exists else Code.NXDOMAIN, records=found, authority=authority)


def _mixed(found: list[Record], rng: random.Random | None) -> list[Record]:
    """Aliases first, in order; the others in any order."""
    if rng is None or len(found) < 2:
        return found
    aliases = [record for record in found if record.type == Type.CNAME]
    others = [record for record in found if record.type != Type.CNAME]
    rng.shuffle(others)
    return aliases + others


def _additional(found: Sequence[Record], names: Records) -> list[Record]:
    """The addresses of what SRV records name, so that nobody has to ask again."""
    targets = dict.fromkeys(record.target for record in found if record.type == Type.SRV and record.target)
    return [record for target in targets for record in names.at(target or "") if record.type in (Type.A, Type.AAAA)]
