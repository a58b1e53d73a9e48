"""Which form of an answer the client wants: JSON or YAML, the object itself, a Table, or only its metadata.

Protobuf is read (see `protobuf`) but never given: a client that also accepts JSON gets JSON, one that does not gets 406.
Source: k8s.io/apiserver/pkg/endpoints/handlers/negotiation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from wherry.api.errors import NotAcceptable
from wherry.api.protobuf.envelope import MEDIA_TYPE

JSON = "application/json"
YAML = "application/yaml"
ACCEPTED = f"{JSON}, {YAML}, {MEDIA_TYPE}"

_MEDIA = {JSON: JSON, YAML: YAML, "*/*": JSON, "application/*": JSON, "": JSON}
_TRANSFORMS = frozenset({"Table", "PartialObjectMetadata", "PartialObjectMetadataList"})
_TRANSFORM_VERSIONS = frozenset({"v1", "v1beta1"})


@dataclass(frozen=True, slots=True)
class Format:
    """`transform` is empty for the object as it is, else the kind of `meta.k8s.io/<version>` to turn it into."""

    media: str = JSON
    transform: str = ""
    version: str = "v1"

    @property
    def plain(self) -> bool:
        return self is PLAIN


PLAIN = Format()


@dataclass(frozen=True, slots=True)
class Clause:
    """One alternative of an `Accept` header."""

    media: str
    parameters: dict[str, str]
    quality: float


def clauses(accept: str) -> list[Clause]:
    """The alternatives, the preferred first; what cannot be read is left out."""
    found: list[Clause] = []
    for text in accept.split(","):
        media, *rest = (part.strip() for part in text.split(";"))
        parameters = {name.strip(): value.strip() for name, _, value in (part.partition("=") for part in rest)}
        try:
            quality = float(parameters.pop("q", "1"))
        except ValueError:
            continue
        found.append(Clause(media.lower(), parameters, quality))
    return sorted(found, key=lambda clause: -clause.quality)


def _format(clause: Clause) -> Format | None:
    media = _MEDIA.get(clause.media)
    if media is None:
        return None
    transform = clause.parameters.get("as", "")
    if not transform:
        return PLAIN if media == JSON else Format(media)
    group = clause.parameters.get("g", "")
    version = clause.parameters.get("v", "")
    if transform not in _TRANSFORMS or group != "meta.k8s.io" or version not in _TRANSFORM_VERSIONS:
        return None
    return Format(media, transform, version)


@lru_cache(maxsize=512)
def negotiate(accept: str) -> Format | None:
    """The first form that is wanted and can be given; None if there is none."""
    for clause in clauses(accept):
        if (form := _format(clause)) is not None:
            return form
    return None


def not_acceptable() -> NotAcceptable:
    return NotAcceptable(f"only the following media types are accepted: {ACCEPTED}")
