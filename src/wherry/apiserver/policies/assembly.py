"""The policies of a server, put together: what `app` adds to admission.

Nothing with expressions in it is loaded before the first policy is there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from wherry.apiserver.admission.attributes import Attributes
from wherry.apiserver.parts import Parts
from wherry.apiserver.registry import storage_prefix
from wherry.apiserver.watching.frames import Change
from wherry.policy.admission.matching import CONFIGURATION_GROUP

if TYPE_CHECKING:
    from wherry.apiserver.admission.chain import Chosen


class Waking:
    """Stands for a plugin until there is something for it to do; then it is made, and works in its place."""

    def __init__(
        self, parts: Parts, plurals: Sequence[str], make: Callable[[], Chosen], *, name: str, validating: bool
    ) -> None:
        self.name = name
        self.validating = validating
        self._parts = parts
        self._make = make
        self._awake = False
        for plural in plurals:
            prefix = storage_prefix(CONFIGURATION_GROUP, plural)
            parts.hubs.of(prefix).attach(self)
            self._awake = self._awake or bool(parts.store.range(prefix, limit=1).entries)

    @cached_property
    def _plugin(self) -> Chosen:
        return self._make()

    def deliver(self, changes: Sequence[Change]) -> None:
        self._awake = True
        self._parts.admission.choose_anew()

    def concerns(self, operation: str, qualified: str, subresource: str) -> bool:
        return self._awake and self._plugin.concerns(operation, qualified, subresource)

    def __call__(self, attributes: Attributes) -> Awaitable[None] | None:
        return self._plugin(attributes)


def validating_policies(parts: Parts) -> Waking:
    plurals = ("validatingadmissionpolicies", "validatingadmissionpolicybindings")

    def make() -> Chosen:
        from wherry.apiserver.policies.following import validating

        return validating(parts, *plurals)

    return Waking(parts, plurals, make, name="ValidatingAdmissionPolicy", validating=True)


def mutating_policies(parts: Parts) -> Waking:
    plurals = ("mutatingadmissionpolicies", "mutatingadmissionpolicybindings")

    def make() -> Chosen:
        from wherry.apiserver.policies.following import mutating

        return mutating(parts, *plurals)

    return Waking(parts, plurals, make, name="MutatingAdmissionPolicy", validating=False)
