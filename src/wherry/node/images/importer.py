"""Reading an image out of a source: which manifest, which layers, all digests verified.

The store gives `add_layer`; nothing here knows where layers are kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import IO, Any, Protocol

import orjson

from wherry.node.images import manifests
from wherry.node.images.imported import Imported
from wherry.node.images.references import normalise
from wherry.node.images.source import Source
from wherry.node.runtimes.port import Image, ImageInvalid

Json = dict[str, Any]
_DOCUMENT_LIMIT = 8 << 20


class Layers(Protocol):
    """Where layers are kept, by diff id (the digest of the plain tar)."""

    def has(self, diff_id: str) -> bool: ...

    def add(self, diff_id: str, stream: IO[bytes]) -> None:
        """Raises `ImageInvalid`."""


def read_images(source: Source, name: str, store: Layers) -> Iterator[Imported]:
    """Every image in the source; `name` overrides its own names. Raises `ImageInvalid`."""
    if (document := source.open("manifest.json")) is not None:
        entries = _parse(document, "manifest.json")
        if not isinstance(entries, list) or not entries:
            raise ImageInvalid("manifest.json lists no image")
        for entry in entries:
            yield _from_docker(source, entry, name, store)
    elif (document := source.open("index.json")) is not None:
        index = _parse(document, "index.json")
        for names, entries in manifests.group_by_name(_list(index, "manifests"), name):
            yield _from_layout(source, names, entries, store)
    else:
        raise ImageInvalid("neither an OCI image layout (index.json) nor a docker archive (manifest.json)")


def _from_docker(source: Source, entry: Json, name: str, store: Layers) -> Imported:
    names = [normalise(name)] if name else [normalise(tag) for tag in entry.get("RepoTags") or ()]
    raw = _read(source, str(entry.get("Config")))
    config = _parse_bytes(raw, "the image's configuration")
    manifests.check_platform(config, manifests.this_architecture()[0])
    diff_ids = _diff_ids(config, entry.get("Layers") or ())
    size = 0
    for diff_id, path in zip(diff_ids, entry["Layers"], strict=True):
        size += _add(source, path, diff_id, store)
    digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
    return Imported(image=_named(config, digest, names, "", size), diff_ids=diff_ids)


def _from_layout(source: Source, names: list[str], entries: Sequence[Json], store: Layers) -> Imported:
    architecture, variant = manifests.this_architecture()
    entry = manifests.choose(entries, architecture, variant)
    digest = str(entry.get("digest"))
    manifest = _blob(source, digest)
    if entry.get("mediaType") in manifests.INDEX_TYPES or "manifests" in manifest:
        entry = manifests.choose(_list(manifest, "manifests"), architecture, variant)
        manifest = _blob(source, str(entry.get("digest")))
    config_digest = str((manifest.get("config") or {}).get("digest"))
    config = _blob(source, config_digest)
    manifests.check_platform(config, architecture)
    layers = _list(manifest, "layers")
    diff_ids = _diff_ids(config, layers)
    for diff_id, layer in zip(diff_ids, layers, strict=True):
        _add(source, _path(str(layer.get("digest"))), diff_id, store, str(layer.get("digest")))
    size = sum(int(layer.get("size", 0)) for layer in layers)
    return Imported(image=_named(config, config_digest, names, digest, size), diff_ids=diff_ids)


def _named(config: Json, image_id: str, names: list[str], manifest_digest: str, size: int) -> Image:
    if not names:
        raise ImageInvalid("the archive does not say the image's name: give one with --name")
    return manifests.image_of(config, image_id, [*names, *manifests.by_digest(names, manifest_digest)], size)


def _add(source: Source, path: str, diff_id: str, layers: Layers, digest: str = "") -> int:
    """Hand one layer to the store, unless it has it; gives its size as stored in the source."""
    if digest and layers.has(diff_id):
        return 0
    if digest:
        _verify(source, path, digest)
    stream = source.open(path)
    if stream is None:
        raise ImageInvalid(f"the layer {path} is missing")
    with stream:
        size = stream.seek(0, 2)
        stream.seek(0)
        if not layers.has(diff_id):
            layers.add(diff_id, stream)
    return size


def _verify(source: Source, path: str, digest: str) -> None:
    stream = source.open(path)
    if stream is None:
        raise ImageInvalid(f"the blob {digest} is missing")
    with stream:
        hasher = hashlib.sha256()
        while chunk := stream.read(1 << 20):
            hasher.update(chunk)
    if f"sha256:{hasher.hexdigest()}" != digest:
        raise ImageInvalid(f"the blob {digest} is damaged: its content has the digest sha256:{hasher.hexdigest()}")


def _path(digest: str) -> str:
    algorithm, _, value = digest.partition(":")
    if algorithm != "sha256" or len(value) != 64 or set(value) - set("0123456789abcdef"):
        raise ImageInvalid(f"{digest!r} is not a sha256 digest")
    return f"blobs/sha256/{value}"


def _blob(source: Source, digest: str) -> Json:
    path = _path(digest)
    _verify(source, path, digest)
    return _parse_bytes(_read(source, path), f"the blob {digest}")


def _read(source: Source, path: str) -> bytes:
    stream = source.open(path)
    if stream is None:
        raise ImageInvalid(f"{path} is missing")
    with stream:
        data = stream.read(_DOCUMENT_LIMIT + 1)
    if len(data) > _DOCUMENT_LIMIT:
        raise ImageInvalid(f"{path} is too big to be a description")
    return data


def _parse(stream: IO[bytes], what: str) -> Any:
    with stream:
        data = stream.read(_DOCUMENT_LIMIT)
    try:
        return orjson.loads(data)
    except ValueError as error:
        raise ImageInvalid(f"{what} is not JSON: {error}") from error


def _parse_bytes(data: bytes, what: str) -> Json:
    try:
        document = orjson.loads(data)
    except ValueError as error:
        raise ImageInvalid(f"{what} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ImageInvalid(f"{what} is not an object")
    return document


def _list(document: Any, key: str) -> list[Json]:
    found = document.get(key) if isinstance(document, dict) else None
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise ImageInvalid(f"a description has no list {key!r}")
    return found


def _diff_ids(config: Json, layers: Sequence[Any]) -> tuple[str, ...]:
    diff_ids = tuple((config.get("rootfs") or {}).get("diff_ids") or ())
    if len(diff_ids) != len(layers):
        raise ImageInvalid(f"the configuration lists {len(diff_ids)} layers, the manifest {len(layers)}")
    for diff_id in diff_ids:
        _path(str(diff_id))
    return diff_ids
