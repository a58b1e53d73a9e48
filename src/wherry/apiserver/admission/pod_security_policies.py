"""Which namespaces ask something of their pods: read from their labels, kept up to date by the store."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.apiserver.objects import decoded
from wherry.apiserver.registry import storage_prefix
from wherry.apiserver.watching.frames import DELETED, Change
from wherry.apiserver.watching.hub import Hubs
from wherry.policy.podsecurity.levels import PREFIX, Policy
from wherry.policy.podsecurity.rules import PodSecurityRules
from wherry.store.port import Entry, Store

_NAMESPACES = storage_prefix("", "namespaces")
_MARK = PREFIX.encode()


class PodSecurityPolicies:
    """Only namespaces that ask for something are in here, so that the others cost one look-up in a dictionary.

    `rules` may ask something of all the others too.
    """

    def __init__(self, store: Store, hubs: Hubs, rules: PodSecurityRules = PodSecurityRules()) -> None:  # noqa: B008
        self.rules = rules
        self._default = None if rules.defaults.open else rules.defaults
        self._policies: dict[str, Policy] = {}
        hubs.of(_NAMESPACES).attach(self)
        for entry in store.range(_NAMESPACES).entries:
            self._read(entry)

    def of(self, namespace: str) -> Policy | None:
        return self._policies.get(namespace, self._default)

    def deliver(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.type == DELETED:
                self._policies.pop(change.entry.key[len(_NAMESPACES) :], None)
            else:
                self._read(change.entry)

    def _read(self, entry: Entry) -> None:
        name = entry.key[len(_NAMESPACES) :]
        # Most namespaces have no such label: their bytes say so without being decoded.
        labels = decoded(entry)["metadata"].get("labels") or {} if _MARK in entry.value else None
        policy = None if labels is None else self.rules.policy_of(labels)
        if policy is None or (policy.open and not policy.errors and self._default is None):
            self._policies.pop(name, None)
        else:
            self._policies[name] = policy
