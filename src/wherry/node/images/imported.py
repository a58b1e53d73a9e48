"""An image as the store keeps it."""

from __future__ import annotations

from dataclasses import dataclass

from wherry.node.runtimes.port import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """An image whose layers are all in the store; their diff ids come the lowest first."""

    image: Image
    diff_ids: tuple[str, ...]
    pulled: bool = False
    """From a registry, so that a newer one may be there under the same name."""
