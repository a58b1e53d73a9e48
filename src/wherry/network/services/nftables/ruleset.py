"""A table's variable part as data, and the nftables script that leads from one state of it to another.

A script is one transaction: the kernel goes from the old rules to the new ones in one step, or stays as it was. Sets of
clients with affinity are only ever added and deleted whole, so that clients keep their endpoints over every change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Ruleset:
    """`chains`: rules by chain. `elements`: (set, key) to value, which is empty in sets that are no maps.
    `client_sets`: names of sets of client addresses, with the seconds that one stays in it."""

    chains: dict[str, tuple[str, ...]] = field(default_factory=dict)
    elements: dict[tuple[str, str], str] = field(default_factory=dict)
    client_sets: dict[str, int] = field(default_factory=dict)

    def merge(self, other: Ruleset) -> None:
        """Take in what is not there yet: of two Services that claim one address and port, the first one has it."""
        self.chains.update(other.chains)
        self.client_sets.update(other.client_sets)
        for key, value in other.elements.items():
            self.elements.setdefault(key, value)


def merged(parts: Iterable[Ruleset]) -> Ruleset:
    whole = Ruleset()
    for part in parts:
        whole.merge(part)
    return whole


def changes(table: str, old: Ruleset, new: Ruleset) -> str:
    """The script from `old` to `new`; empty where nothing differs.

    What refers to something comes after it is made and before it is deleted.
    """
    gone_chains = [name for name in old.chains if name not in new.chains]
    written = [name for name, rules in new.chains.items() if old.chains.get(name) != rules]
    gone_elements = [key for key, value in old.elements.items() if new.elements.get(key) != value]
    lines = [
        *(_add_clients(table, name, new.client_sets[name]) for name in new.client_sets if name not in old.client_sets),
        *(f"add chain {table} {name}" for name in written if name not in old.chains),
        *(f"delete element {table} {set_} {{ {key} }}" for set_, key in gone_elements),
        *(f"flush chain {table} {name}" for name in (*written, *gone_chains) if name in old.chains),
        *(f"add rule {table} {name} {rule}" for name in written for rule in new.chains[name]),
        *_add_elements(table, {key: value for key, value in new.elements.items() if old.elements.get(key) != value}),
        *(f"delete chain {table} {name}" for name in gone_chains),
        *(f"delete set {table} {name}" for name in old.client_sets if name not in new.client_sets),
    ]
    return "\n".join(lines) + "\n" if lines else ""


def _add_clients(table: str, name: str, seconds: int) -> str:
    return f"add set {table} {name} {{ type ipv4_addr; flags dynamic,timeout; timeout {seconds}s; }}"


def _add_elements(table: str, elements: dict[tuple[str, str], str]) -> Iterator[str]:
    """One line per set, however many elements it gets."""
    by_set: dict[str, list[str]] = {}
    for (set_, key), value in elements.items():
        by_set.setdefault(set_, []).append(f"{key} : {value}" if value else key)
    return (f"add element {table} {set_} {{ {', '.join(entries)} }}" for set_, entries in by_set.items())
