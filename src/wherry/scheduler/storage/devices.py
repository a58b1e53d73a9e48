"""Devices, their classes and the claims for them, as the plugin sees them."""

from __future__ import annotations

from wherry.api.types import Object
from wherry.client.informer import Informer, SharedInformers
from wherry.scheduler.storage.view import Assumed, Listed, Objects

_GROUP = "resource.k8s.io"
CLAIMS, SLICES, CLASSES = f"resourceclaims.{_GROUP}", f"resourceslices.{_GROUP}", f"deviceclasses.{_GROUP}"


class Devices:
    """Claims are seen with what has been decided and not been written yet."""

    def __init__(
        self, claims: Objects | None = None, slices: Objects | None = None, classes: Objects | None = None
    ) -> None:
        self.claims = Assumed(claims or Listed())
        self.slices = slices or Listed()
        self._classes = classes or Listed()

    def class_named(self, name: str) -> Object | None:
        return self._classes.get("", name)


def informed(informers: SharedInformers) -> tuple[Devices, tuple[Informer, ...]]:
    """The cluster's, and the informers that must have their first list."""
    needs = tuple(informers.informer(resource) for resource in (CLAIMS, SLICES, CLASSES))
    return Devices(*needs), needs
