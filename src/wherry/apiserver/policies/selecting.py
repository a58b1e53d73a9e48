"""Which policies, with which of their bindings, a write concerns.

Source: k8s.io/apiserver/pkg/admission/plugin/policy/matching/matching.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from wherry.apiserver.admission.attributes import Attributes
from wherry.apiserver.registry import Registry
from wherry.apiserver.webhooks.follower import Compiled
from wherry.apiserver.webhooks.invocation import Match, match, may_concern, namespace_selected, object_selected
from wherry.policy.admission.compiled import Binding, Common, Matching
from wherry.policy.admission.matching import Subject

P = TypeVar("P", bound=Common)
_NEVER = frozenset(
    {
        "selfsubjectreviews.authentication.k8s.io",
        "tokenreviews.authentication.k8s.io",
        "localsubjectaccessreviews.authorization.k8s.io",
        "selfsubjectaccessreviews.authorization.k8s.io",
        "selfsubjectrulesreviews.authorization.k8s.io",
        "subjectaccessreviews.authorization.k8s.io",
    }
)
"""Questions to the server, which no policy may refuse."""


class Policies(Generic[P]):
    """The policies of one kind that have bindings, in the order of their names."""

    def __init__(
        self,
        policies: Callable[[Callable[[], None]], Compiled[P]],
        bindings: Callable[[Callable[[], None]], Compiled[Binding]],
        registry: Registry,
    ) -> None:
        self._registry = registry
        self._pairs: list[tuple[P, tuple[Binding, ...]]] | None = None
        self._policies = policies(self._forget)
        self._bindings = bindings(self._forget)

    def _forget(self) -> None:
        self._pairs = None

    def bound(self) -> Sequence[tuple[P, tuple[Binding, ...]]]:
        if self._pairs is None:
            by_policy: dict[str, list[Binding]] = {}
            for binding in self._bindings.all:
                by_policy.setdefault(binding.policy, []).append(binding)
            self._pairs = [
                (policy, tuple(found)) for policy in self._policies.all if (found := by_policy.get(policy.name))
            ]
        return self._pairs

    def concern(self, operation: str, qualified: str, subresource: str) -> bool:
        if qualified in _NEVER:
            return False
        return any(
            may_concern(policy.matching.rules, self._registry, operation, qualified, subresource)
            for policy, _ in self.bound()
        )

    def matching(self, attributes: Attributes, subject: Subject) -> Iterator[tuple[P, tuple[Binding, ...], Match]]:
        """The policies whose rules fit; selectors are not looked at yet."""
        for policy, bindings in self.bound():
            found = _by_rules(policy.matching, attributes, subject, self._registry)
            if found is not None:
                yield policy, bindings, found

    def selected(self, matching: Matching | None, attributes: Attributes, subject: Subject) -> bool:
        """Whether a binding fits, too. Raises `NotFound` where the namespace is not there."""
        return (matching is None or _by_rules(matching, attributes, subject, self._registry) is not None) and (
            matching is None or selectors_fit(matching, attributes, subject)
        )


def selectors_fit(matching: Matching, attributes: Attributes, subject: Subject) -> bool:
    """Raises `NotFound`."""
    return object_selected(matching.object_selector, attributes) and namespace_selected(
        matching.namespace_selector, attributes, subject
    )


def _by_rules(matching: Matching, attributes: Attributes, subject: Subject, registry: Registry) -> Match | None:
    equivalent = matching.equivalent
    if matching.excluded and match(matching.excluded, attributes, subject, equivalent=equivalent, registry=registry):
        return None
    if not matching.rules:
        return Match(subject, attributes.served)
    return match(matching.rules, attributes, subject, equivalent=equivalent, registry=registry)
