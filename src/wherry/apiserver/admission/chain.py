"""Which plugins a write passes, in which order; worked out once per kind of write.

A plugin is listed with the operations and resources that concern it, so that other writes do not pay for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Protocol

from wherry.apiserver.admission.attributes import Attributes, Plugin
from wherry.apiserver.admission.timing import AdmissionTimes, timed

ALL = frozenset({"*"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Run `plugin` on these operations of these resources (`pods`, `deployments.apps`, `*`); no subresource unless named.

    Plugins run before the object is validated and may change it, but those that are `validating` run afterwards, when
    nothing changes any more.
    """

    plugin: Plugin
    name: str = ""
    """Upstream's name of the plugin that this is part of; by it an administrator switches it off."""
    operations: frozenset[str]
    resources: frozenset[str] = ALL
    subresources: frozenset[str] = frozenset({""})
    validating: bool = False

    def concerns(self, operation: str, qualified: str, subresource: str) -> bool:
        return (
            operation in self.operations
            and (self.resources is ALL or qualified in self.resources)
            and (subresource in self.subresources or "*" in self.subresources)
        )


STORED = frozenset(
    {
        "MutatingAdmissionPolicy",
        "MutatingAdmissionWebhook",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionWebhook",
    }
)
"""Those that are told by objects in the store what to do."""


def enabled_rules(rules: Sequence[Rule], disabled: frozenset[str]) -> list[Rule]:
    """The rules without those of plugins that are switched off. Raises `ValueError` for a name that no plugin has."""
    if unknown := disabled - {rule.name for rule in rules} - STORED:
        known = ", ".join(sorted({rule.name for rule in rules if rule.name} | STORED))
        raise ValueError(f"unknown admission plugins: {', '.join(sorted(unknown))}; there are: {known}")
    return [rule for rule in rules if not rule.name or rule.name not in disabled]


class Chosen(Protocol):
    """A plugin that concerns what objects in the store say: webhooks, policies."""

    name: str
    validating: bool

    def concerns(self, operation: str, qualified: str, subresource: str) -> bool:
        """Whether it may have to look at writes of this kind, as things are now."""

    def __call__(self, attributes: Attributes) -> Awaitable[None] | None: ...


class Admission:
    """The plugins of a server: first the rules, in order, then those that the store's objects ask for."""

    __slots__ = ("_asked_for", "_chosen", "_rules", "times")

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.times = AdmissionTimes()
        self._rules = tuple(rules)
        self._asked_for: list[Chosen] = []
        self._chosen: dict[tuple[str, str, str, bool], tuple[Plugin, ...]] = {}

    def plugins(self, operation: str, qualified: str, subresource: str, *, validating: bool) -> tuple[Plugin, ...]:
        """Those that a write passes; often none."""
        key = (operation, qualified, subresource, validating)
        found = self._chosen.get(key)
        if found is None:
            found = self._chosen[key] = (
                *(
                    self._timed(rule.plugin, rule.name, operation, validating)
                    for rule in self._rules
                    if rule.validating is validating and rule.concerns(operation, qualified, subresource)
                ),
                *(
                    self._timed(plugin, plugin.name, operation, validating)
                    for plugin in self._asked_for
                    if plugin.validating is validating and plugin.concerns(operation, qualified, subresource)
                ),
            )
        return found

    def _timed(self, plugin: Plugin, name: str, operation: str, validating: bool) -> Plugin:
        """Those that upstream does not call plugins are not told of."""
        return timed(plugin, self.times.of_plugin(name, operation, validating)) if name else plugin

    def add(self, plugin: Chosen) -> None:
        """Run it after all others that are there."""
        self._asked_for.append(plugin)
        self._chosen.clear()

    def choose_anew(self) -> None:
        """What some of the plugins are concerned with has changed."""
        self._chosen.clear()
