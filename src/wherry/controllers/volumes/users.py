"""Which pods use a claim."""

from __future__ import annotations

from wherry.api.types import Object
from wherry.client.informer import Informer
from wherry.controllers.context import Context
from wherry.policy.volumes import facts

_INDEX = "claim"


class Users:
    """The pods of the shared informer, by the claims that their volumes name."""

    def __init__(self, informer: Informer) -> None:
        self.informer = informer

    def of(self, claim: Object) -> list[Object]:
        """Of several pods that would make a claim of that name, only the one that it was made for."""
        metadata = claim["metadata"]
        found = self.informer.by_index(_INDEX, f"{metadata['namespace']}/{metadata['name']}")
        return [pod for pod in found if uses(pod, claim)]


def uses(pod: Object, claim: Object) -> bool:
    name = claim["metadata"]["name"]
    return any(each == name and (not own or facts.is_made_for(claim, pod)) for _, each, own in facts.claims_of(pod))


def by_claim(context: Context) -> Users:
    """The index is made once for all controllers; most pods have no claims and are in it nowhere."""
    informer = context.informers.informer("pods")
    informer.add_index(_INDEX, _keys)
    return Users(informer)


def _keys(pod: Object) -> list[str]:
    namespace = pod["metadata"]["namespace"]
    return [f"{namespace}/{name}" for _, name, _ in facts.claims_of(pod)]
