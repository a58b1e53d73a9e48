"""Manifests, indexes and configurations of images. Pure.

Source: the OCI image specification v1.1; Docker's image manifest v2 schema 2; the `docker save` format v1.2.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from typing import Any

from wherry.node.images.references import normalise, repository
from wherry.node.runtimes.port import Image, ImageInvalid

Json = dict[str, Any]

INDEX_TYPES = frozenset(
    {"application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"}
)
_ARCHITECTURES = {
    "x86_64": ("amd64", ""), "amd64": ("amd64", ""), "aarch64": ("arm64", "v8"), "arm64": ("arm64", "v8"),
    "armv7l": ("arm", "v7"), "armv6l": ("arm", "v6"), "i386": ("386", ""), "i686": ("386", ""),
    "ppc64le": ("ppc64le", ""), "s390x": ("s390x", ""), "riscv64": ("riscv64", ""),
}  # fmt: skip
_NAME_ANNOTATIONS = ("io.containerd.image.name", "org.opencontainers.image.ref.name")


def this_architecture() -> tuple[str, str]:
    """Architecture and variant as images name them."""
    machine = platform.machine()
    return _ARCHITECTURES.get(machine, (machine, ""))


def choose(manifests: Sequence[Json], architecture: str, variant: str = "") -> Json:
    """The entry of an index for linux on this architecture. Raises `ImageInvalid`."""
    fitting = [
        entry
        for entry in manifests
        if (entry.get("platform") or {}).get("os", "linux") == "linux"
        and (entry.get("platform") or {}).get("architecture", architecture) == architecture
    ]
    if not fitting:
        offered = sorted({_platform_name(entry) for entry in manifests} - {"unknown/unknown"})
        raise ImageInvalid(f"the image is for {', '.join(offered) or 'nothing'}, this machine is linux/{architecture}")
    exact = [entry for entry in fitting if (entry.get("platform") or {}).get("variant", "") == variant]
    return (exact or fitting)[0]


def _platform_name(entry: Mapping[str, Any]) -> str:
    target = entry.get("platform") or {}
    return "/".join(part for part in (target.get("os"), target.get("architecture"), target.get("variant")) if part)


def names_of(entry: Mapping[str, Any]) -> list[str]:
    """Full names in the annotations of an index entry; a bare tag is no name."""
    annotations = entry.get("annotations") or {}
    found = [annotations[key] for key in _NAME_ANNOTATIONS if annotations.get(key)]
    return list(dict.fromkeys(normalise(name) for name in found if ":" in name or "/" in name))


def group_by_name(manifests: Sequence[Json], given: str) -> list[tuple[list[str], list[Json]]]:
    """The images of a layout: each with its names and the entries, one per platform, that make it up."""
    if given:
        return [([normalise(given)], list(manifests))]
    groups: dict[tuple[str, ...], list[Json]] = {}
    for entry in manifests:
        groups.setdefault(tuple(names_of(entry)), []).append(entry)
    return [(list(names), entries) for names, entries in groups.items()]


def image_of(config: Json, image_id: str, names: Sequence[str], size_bytes: int) -> Image:
    """What the node must know. Raises `ImageInvalid` when the configuration is not one."""
    settings = config.get("config") or {}
    try:
        return Image(
            id=image_id,
            names=tuple(names),
            size_bytes=size_bytes,
            entrypoint=tuple(settings.get("Entrypoint") or ()),
            command=tuple(settings.get("Cmd") or ()),
            environment=tuple(
                (name, value) for name, _, value in (e.partition("=") for e in settings.get("Env") or ())
            ),
            working_directory=settings.get("WorkingDir") or "",
            user=settings.get("User") or "",
            stop_signal=settings.get("StopSignal") or "",
            labels=tuple(sorted((settings.get("Labels") or {}).items())),
        )
    except (AttributeError, TypeError, ValueError) as error:
        raise ImageInvalid(f"the image's configuration is malformed: {error}") from error


def check_platform(config: Json, architecture: str) -> None:
    """Raises `ImageInvalid` for an image of another machine."""
    found = config.get("architecture") or architecture
    system = config.get("os") or "linux"
    if system != "linux" or found != architecture:
        raise ImageInvalid(f"the image is for {system}/{found}, this machine is linux/{architecture}")


def by_digest(names: Sequence[str], manifest_digest: str) -> list[str]:
    """The names by which the image is known for ever: repository and digest of its manifest."""
    return list(dict.fromkeys(f"{repository(name)}@{manifest_digest}" for name in names)) if manifest_digest else []
