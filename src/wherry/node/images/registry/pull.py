"""Fetching an image as an OCI layout: what the importer then takes in, with all its checks.

Layers that are in the store already are not fetched.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from wherry.node.images import manifests
from wherry.node.images.registry.client import Manifest, RegistryClient, RegistryError
from wherry.node.runtimes.port import Login

_PARALLEL = 3


def client_for(name: str, login: Login | None = None) -> tuple[RegistryClient, str]:
    """The client of a full image name, and the tag or digest to ask for."""
    domain, _, rest = name.partition("/")
    repository, at, digest = rest.partition("@")
    if at:
        return RegistryClient(domain, repository, login=login), digest
    repository, _, tag = repository.rpartition(":")
    return RegistryClient(domain, repository, login=login), tag


def fetch_layout(
    name: str, folder: Path, has_layer: Callable[[str], bool], client: RegistryClient, reference: str
) -> Path:
    """Write the image `name` (full form) as a layout into `folder`. Raises `RegistryError`, `ImageInvalid`."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    top = client.manifest(reference)
    chosen = _keep(blobs, top)
    if top.media_type in manifests.INDEX_TYPES or "manifests" in chosen:
        entry = manifests.choose(chosen.get("manifests") or [], *manifests.this_architecture())
        chosen = _keep(blobs, client.manifest(str(entry["digest"])))
    config = str((chosen.get("config") or {}).get("digest"))
    client.blob(config, _place(blobs, config))
    described = json.loads(_place(blobs, config).read_bytes())
    diff_ids = (described.get("rootfs") or {}).get("diff_ids") or []
    layers = [str(layer["digest"]) for layer in chosen.get("layers") or []]
    wanted = [digest for digest, diff_id in zip(layers, diff_ids, strict=False) if not has_layer(str(diff_id))]
    with ThreadPoolExecutor(_PARALLEL) as pool:
        list(pool.map(lambda digest: client.blob(digest, _place(blobs, digest)), dict.fromkeys(wanted)))
    entry = {"digest": top.digest, "mediaType": top.media_type, "annotations": {"io.containerd.image.name": name}}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    return folder


def _keep(blobs: Path, manifest: Manifest) -> dict[str, Any]:
    _place(blobs, manifest.digest).write_bytes(manifest.data)
    try:
        document = json.loads(manifest.data)
    except ValueError as error:
        raise RegistryError(f"the manifest {manifest.digest} is not JSON") from error
    if not isinstance(document, dict):
        raise RegistryError(f"the manifest {manifest.digest} is not an object")
    return document


def _place(blobs: Path, digest: str) -> Path:
    algorithm, _, value = digest.partition(":")
    if algorithm != "sha256" or len(value) != 64 or not value.isalnum():
        raise RegistryError(f"the registry named the blob {digest!r}, which is no sha256 digest")
    return blobs / value
