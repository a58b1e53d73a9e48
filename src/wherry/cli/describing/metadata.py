"""What every description begins with: name, namespace, labels, annotations."""

from __future__ import annotations

from collections.abc import Mapping

from wherry.api.types import Object
from wherry.cli.applying.annotation import LAST_APPLIED
from wherry.cli.describing.words import label_lines
from wherry.cli.describing.writer import Writer

_MAX = 140


def head(out: Writer, obj: Object, *, namespace: bool = True) -> None:
    """Name, namespace, labels and annotations."""
    names(out, obj, namespace=namespace)
    labels_and_annotations(out, obj)


def names(out: Writer, obj: Object, *, namespace: bool = True) -> None:
    out.field("Name", obj["metadata"]["name"])
    if namespace:
        out.field("Namespace", obj["metadata"].get("namespace", ""))


def labels_and_annotations(out: Writer, obj: Object) -> None:
    write_labels(out, "Labels", obj["metadata"].get("labels"))
    write_annotations(out, "Annotations", obj["metadata"].get("annotations"))


def write_labels(out: Writer, title: str, values: Mapping[str, str] | None) -> None:
    out.several(title, label_lines(values))


def write_annotations(out: Writer, title: str, values: Mapping[str, str] | None) -> None:
    """Long ones and those of several lines come below their names, cut."""
    shown = {key: value.removesuffix("\n") for key, value in sorted((values or {}).items()) if key != LAST_APPLIED}
    lines: list[str] = []
    for key, value in shown.items():
        if len(value.encode()) + len(key) + 2 > _MAX or "\n" in value:
            lines.append(f"{key}:")
            lines += [f"  {_shortened(part)}" for part in value.split("\n")]
        else:
            lines.append(f"{key}: {value}")
    out.several(title, lines)


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX - 2 else f"{text[: _MAX - 2]}..."
