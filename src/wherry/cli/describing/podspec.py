"""What pods and pod templates have in common: tolerations, spread, the template as a whole."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.api.types import Object
from wherry.cli.describing.containers import containers
from wherry.cli.describing.metadata import write_annotations, write_labels
from wherry.cli.describing.volumes import volumes
from wherry.cli.describing.words import selector_text
from wherry.cli.describing.writer import Writer


def template(out: Writer, found: Object) -> None:
    metadata, spec = found.get("metadata") or {}, found.get("spec") or {}
    out.line("Pod Template:")
    write_labels(out, "  Labels", metadata.get("labels"))
    if metadata.get("annotations"):
        write_annotations(out, "  Annotations", metadata["annotations"])
    out.given("  Service Account", spec.get("serviceAccountName"))
    if spec.get("initContainers"):
        containers(out, "Init Containers", spec["initContainers"], space="  ")
    containers(out, "Containers", spec.get("containers") or (), space="  ")
    volumes(out, spec.get("volumes") or (), space="  ")
    spread(out, spec.get("topologySpreadConstraints") or (), space="  ")
    out.given("  Priority Class Name", spec.get("priorityClassName"))
    write_labels(out, "  Node-Selectors", spec.get("nodeSelector"))
    tolerations(out, "  Tolerations", spec.get("tolerations") or ())


def tolerations(out: Writer, title: str, found: Sequence[Object]) -> None:
    out.several(title, (_toleration(one) for one in sorted(found, key=lambda one: one.get("key") or "")))


def _toleration(one: Object) -> str:
    text: str = one.get("key") or ""
    if one.get("value"):
        text += f"={one['value']}"
    if one.get("effect"):
        text += f":{one['effect']}"
    if one.get("operator") == "Exists" and not one.get("value"):
        text += " op=Exists" if text else "op=Exists"
    if one.get("tolerationSeconds") is not None:
        text += f" for {one['tolerationSeconds']}s"
    return text


def spread(out: Writer, found: Sequence[Object], *, space: str = "") -> None:
    if found:
        ordered = sorted(found, key=lambda one: one["topologyKey"])
        out.several(f"{space}Topology Spread Constraints", map(_constraint, ordered))


def _constraint(one: Object) -> str:
    text = f"{one['topologyKey']}:{one['whenUnsatisfiable']} when max skew {one['maxSkew']} is exceeded"
    if one.get("labelSelector") is not None:
        text += f" for selector {selector_text(one['labelSelector'])}"
    return text
