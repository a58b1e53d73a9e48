"""`wherry image`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wherry.cli.options import json_output, of_cluster

if TYPE_CHECKING:
    from wherry.node.images.store import ImageStore


@click.group()
def image() -> None:
    """The images that a cluster's nodes have: import, pull, list, remove."""


@image.command(name="import")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="FILE...")
@click.option("--as", "reference", default="", metavar="IMAGE", help="The image's name, where the file says none.")
@of_cluster
def import_images(files: Sequence[Path], reference: str, cluster: str) -> None:
    """Bring images from files: of `docker save`, `podman save`, or OCI layouts (also as folders).

    \b
    docker save my/app:1 -o app.tar && wherry image import app.tar
    wherry image import layout/ --as example.org/app:2
    """
    from wherry.cli.progress import Steps

    store = _store(cluster)
    with Steps() as steps:
        for path in files:
            steps.begin(f"Importing {path}")
            with _told():
                found = store.import_path(path, name=reference)
            for one in found:
                steps.done(f"{one.names[0]} ({_size(one.size_bytes)})")
                click.echo(one.names[0])


@image.command()
@click.argument("references", nargs=-1, required=True, metavar="IMAGE...")
@of_cluster
def pull(references: Sequence[str], cluster: str) -> None:
    """Bring images from their registries, before a pod needs them."""
    import asyncio

    from wherry.cli.progress import Steps

    store = _store(cluster)
    with Steps() as steps:
        for reference in references:
            steps.begin(f"Pulling {reference}")
            with _told():
                one = asyncio.run(store.pull(reference))
            steps.done(f"{one.names[0]} ({_size(one.size_bytes)})")
            click.echo(one.names[0])


@image.command(name="list")
@of_cluster
@json_output
def list_images(cluster: str, output: str | None) -> None:
    """List the images."""
    from wherry.cli.formats.tabs import Columns

    images = sorted(_store(cluster).list(), key=lambda one: one.names)
    if output == "json":
        import json

        rows = [{"names": list(one.names), "id": one.id, "sizeBytes": one.size_bytes} for one in images]
        click.echo(json.dumps(rows, indent=2))
        return
    table = [["IMAGE", "ID", "SIZE"]]
    for one in images:
        tags = [name for name in one.names if "@" not in name] or [one.names[0]]
        table += [[name, one.id.removeprefix("sha256:")[:12], _size(one.size_bytes)] for name in tags]
    click.echo(Columns().render(table), nl=False)


@image.command()
@click.argument("references", nargs=-1, required=True, metavar="IMAGE...")
@of_cluster
def remove(references: Sequence[str], cluster: str) -> None:
    """Remove images by name, or by id with all their names."""
    store = _store(cluster)
    for reference in references:
        with _told():
            store.remove_blocking(_by_short_id(store, reference))
        click.echo(f"{reference} removed")


def _store(cluster: str) -> ImageStore:
    """Raises `ConfigError`."""
    from wherry.base.clock import RealClock
    from wherry.cli.options import chosen
    from wherry.node.images.store import ImageStore

    state = chosen(cluster)
    return ImageStore(state.images, clock=RealClock(), registries=True)


def _by_short_id(store: ImageStore, reference: str) -> str:
    """The whole id of the only image whose id starts so; else the reference as it is."""
    start = "sha256:" + reference.removeprefix("sha256:")
    found = [one.id for one in store.list() if len(reference) >= 12 and one.id.startswith(start)]
    return found[0] if len(found) == 1 else reference


@contextmanager
def _told() -> Iterator[None]:
    """What the images' own room refuses becomes one line. Raises `Refused`."""
    from wherry.cli.errors import Refused
    from wherry.node.runtimes.port import RuntimeFailure

    try:
        yield
    except RuntimeFailure as error:
        raise Refused(str(error)) from error


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g}{unit}"
        size /= 1000
    return f"{size:.3g}GB"
