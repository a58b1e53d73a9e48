"""Which plugins a write passes, in which order; worked out once per kind of write.

A plugin is listed with the operations and resources that concern it, so that other writes do not pay for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wherry.apiserver.admission.attributes import Attributes, Plugin

ALL = frozenset({"*"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Run `plugin` on these operations of these resources (`pods`, `deployments.apps`, `*`); no subresource unless named."""

    plugin: Plugin
    operations: frozenset[str]
    resources: frozenset[str] = ALL
    subresources: frozenset[str] = frozenset({""})

    def concerns(self, operation: str, qualified: str, subresource: str) -> bool:
        return (
            operation in self.operations
            and (self.resources is ALL or qualified in self.resources)
            and (subresource in self.subresources or "*" in self.subresources)
        )


class Admission:
    """The plugins of a server."""

    __slots__ = ("_chosen", "_rules")

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)
        self._chosen: dict[tuple[str, str, str], tuple[Plugin, ...]] = {}

    def plugins(self, operation: str, qualified: str, subresource: str) -> tuple[Plugin, ...]:
        """Those that a write passes; often none."""
        key = (operation, qualified, subresource)
        found = self._chosen.get(key)
        if found is None:
            found = tuple(rule.plugin for rule in self._rules if rule.concerns(*key))
            self._chosen[key] = found
        return found

    def admit(self, attributes: Attributes) -> None:
        """Let the plugins change the object. Raises what they raise."""
        key = (attributes.operation, attributes.served.qualified, attributes.subresource)
        for plugin in self.plugins(*key):
            plugin(attributes)
