"""Which container of a pod is meant."""

from __future__ import annotations

import click

from wherry.api.types import Object
from wherry.cli.errors import Refused

DEFAULT = "kubectl.kubernetes.io/default-container"
_FIELDS = ("initContainers", "containers", "ephemeralContainers")


def names(pod: Object) -> list[str]:
    """Init containers, containers, ephemeral containers."""
    return [container["name"] for field in _FIELDS for container in pod["spec"].get(field) or ()]


def choose(pod: Object, wanted: str, *, quiet: bool = False) -> str:
    """The container's name: the wanted one, the annotated one, or the first, which is told where there are others.

    Raises `Refused`.
    """
    every = names(pod)
    if wanted:
        if wanted not in every:
            raise Refused(f"container {wanted} is not valid for pod {pod['metadata']['name']}")
        return wanted
    annotated = (pod["metadata"].get("annotations") or {}).get(DEFAULT)
    if annotated in every:
        return str(annotated)
    first: str = pod["spec"]["containers"][0]["name"]
    if len(every) > 1 and not quiet:
        click.echo(f'Defaulted container "{first}" out of: {", ".join(_told(pod))}', err=True)
    return first


def _told(pod: Object) -> list[str]:
    notes = {"initContainers": " (init)", "containers": "", "ephemeralContainers": " (ephem)"}
    order = ("containers", "ephemeralContainers", "initContainers")
    return [f"{c['name']}{notes[field]}" for field in order for c in pod["spec"].get(field) or ()]
