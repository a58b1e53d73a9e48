"""Objects from files, folders, URLs and standard input, each with the place that it came from."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from wherry.api.errors import NotFound
from wherry.api.types import Object
from wherry.cli.errors import Refused
from wherry.cli.objects.wanted import Wanted
from wherry.cli.target import Session

SUFFIXES = (".json", ".yaml", ".yml")
_MAX_BYTES = 512 << 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object as it was written. `source` is the file's name as the user gave it, or `STDIN`."""

    source: str
    line: int
    object: Object

    @property
    def place(self) -> str:
        return f"{self.source}:{self.line}"


@dataclass(frozen=True, slots=True)
class Given:
    """A manifest and where its object belongs."""

    manifest: Manifest
    wanted: Wanted


def read(names: Sequence[str], *, recursive: bool = False) -> list[Manifest]:
    """Every object in the files. Raises `Refused` with file and line."""
    return [one for name in names for source, data in _sources(name, recursive) for one in _objects(source, data)]


def _sources(name: str, recursive: bool) -> Iterator[tuple[str, bytes]]:
    if name == "-":
        yield "STDIN", sys.stdin.buffer.read()
    elif name.startswith(("http://", "https://")):
        yield name, _download(name)
    else:
        yield from _files(name, Path(name), recursive)


def _files(name: str, path: Path, recursive: bool) -> Iterator[tuple[str, bytes]]:
    if not path.exists():
        raise Refused(f'the path "{name}" does not exist')
    if path.is_dir():
        walk: Iterable[Path] = path.rglob("*") if recursive else path.iterdir()
        files = sorted(file for file in walk if file.suffix in SUFFIXES and file.is_file())
        if not files:
            raise Refused(f"error reading [{name}]: recognized file extensions are [.json .yaml .yml]")
    else:
        files = [path]
    for file in files:
        yield str(file), file.read_bytes()


def _download(url: str) -> bytes:
    import urllib.error
    import urllib.request

    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            data: bytes = answer.read(_MAX_BYTES)
            return data
    except urllib.error.HTTPError as error:
        raise Refused(
            f'unable to read URL "{url}", server reported {error.code} {error.reason}, status code={error.code}'
        ) from error
    except OSError as error:
        raise Refused(f'unable to read URL "{url}": {getattr(error, "reason", error)}') from error


def _objects(source: str, data: bytes) -> Iterator[Manifest]:
    from wherry.machinery.yaml.reader import YamlError, documents

    try:
        for line, value in documents(data):
            yield from _flat(Manifest(source, line, value))
    except YamlError as error:
        raise Refused(f"error parsing {source}: {error}") from error


def _flat(manifest: Manifest) -> Iterator[Manifest]:
    """The object, or the items of a list."""
    value = manifest.object
    if not isinstance(value, dict):
        raise Refused(f"{manifest.place}: expected an object with apiVersion and kind, not {_shown(value)}")
    kind = value.get("kind")
    if isinstance(value.get("items"), list) and isinstance(kind, str) and kind.endswith("List"):
        inherited = {} if kind == "List" else {"apiVersion": value.get("apiVersion"), "kind": kind[:-4]}
        for item in value["items"]:
            full = {**inherited, **item} if isinstance(item, dict) else item
            yield from _flat(Manifest(manifest.source, manifest.line, full))
        return
    for field, name in (("kind", "Kind"), ("apiVersion", "apiVersion")):
        if not isinstance(value.get(field), str) or not value[field]:
            raise Refused(f"unable to decode {manifest.place}: Object '{name}' is missing")
    if not isinstance(value.get("metadata", {}), dict):
        raise Refused(f"unable to decode {manifest.place}: metadata must be an object")
    yield manifest


def _shown(value: object) -> str:
    return "a list" if isinstance(value, list) else repr(value)


async def place(session: Session, manifests: Iterable[Manifest]) -> list[Given]:
    """Where each belongs: the resource from the server, the namespace from the object or the session.

    Raises `Refused` for the first that belongs nowhere. The objects get their namespace written into them.
    """
    return [await _placed(session, manifest) for manifest in manifests]


async def _placed(session: Session, manifest: Manifest) -> Given:
    obj = manifest.object
    metadata = obj.get("metadata") or {}
    try:
        resource = await session.discovery.for_kind(obj["apiVersion"], obj["kind"])
    except NotFound as error:
        raise Refused(
            f'resource mapping not found for name: "{metadata.get("name", "")}" namespace: '
            f'"{metadata.get("namespace", "")}" from "{manifest.place}": {error.message}\n'
            "ensure CRDs are installed first"
        ) from error
    namespace = None
    if resource.namespaced:
        namespace = metadata.get("namespace") or session.namespace
        if session.named and namespace != session.namespace:
            raise Refused(
                f'the namespace from the provided object "{namespace}" does not match the namespace '
                f"\"{session.namespace}\". You must pass '--namespace={namespace}' to perform this operation."
            )
        obj = {**obj, "metadata": {**metadata, "namespace": namespace}}
    name = metadata.get("name") or ""
    return Given(Manifest(manifest.source, manifest.line, obj), Wanted(resource, namespace, name))
