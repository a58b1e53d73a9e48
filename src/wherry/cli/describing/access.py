"""Roles and their bindings, priority classes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

from wherry.api.types import Object
from wherry.cli.describing.cluster import Cluster
from wherry.cli.describing.events import events
from wherry.cli.describing.metadata import labels_and_annotations
from wherry.cli.describing.words import go, go_list, labels_text
from wherry.cli.describing.writer import Writer


async def role(out: Writer, obj: Object, cluster: Cluster) -> None:
    out.field("Name", obj["metadata"]["name"])
    labels_and_annotations(out, obj)
    out.line("PolicyRule:")
    out.line("Resources\tNon-Resource URLs\tResource Names\tVerbs", 1)
    out.line("---------\t-----------------\t--------------\t-----", 1)
    for rule in sorted(_compact(obj.get("rules") or ()), key=_spelled):
        out.line(f"{rule.shown}\t{go_list(rule.urls)}\t{go_list(rule.names)}\t{go_list(rule.verbs)}", 1)


class Rule(NamedTuple):
    """One resource of one group, perhaps with one name; or one path."""

    verbs: list[str]
    group: str = ""
    resource: str = ""
    names: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """`deployments.apps/scale`."""
        plural, slash, sub = self.resource.partition("/")
        return f"{plural}.{self.group}{slash}{sub}" if self.group else self.resource


def _compact(rules: Sequence[Object]) -> list[Rule]:
    """The verbs of each resource together."""
    found: dict[tuple[str, str, tuple[str, ...]], Rule] = {}
    paths: list[Rule] = []
    for rule in rules:
        verbs = rule.get("verbs") or ()
        names: list[tuple[str, ...]] = [(name,) for name in rule.get("resourceNames") or ()] or [()]
        for group, resource, name in product(rule.get("apiGroups") or (), rule.get("resources") or (), names):
            known = found.setdefault((group, resource, name), Rule([], group, resource, name))
            known.verbs.extend(verb for verb in verbs if verb not in known.verbs)
        paths += [Rule([verb], urls=(url,)) for url in rule.get("nonResourceURLs") or () for verb in verbs]
    return [*found.values(), *paths]


def _spelled(rule: Rule) -> str:
    """The order of rules is that of their Go spelling."""
    groups, resources = (
        go_list([rule.group] if rule.resource else ()),
        go_list([rule.resource] if rule.resource else ()),
    )
    return f"{go_list(rule.verbs)},{groups},{resources},{go_list(rule.names)},{go_list(rule.urls)}"


async def binding(out: Writer, obj: Object, cluster: Cluster) -> None:
    reference = obj["roleRef"]
    out.field("Name", obj["metadata"]["name"])
    labels_and_annotations(out, obj)
    out.line("Role:")
    out.field("Kind", reference["kind"], 1)
    out.field("Name", reference["name"], 1)
    out.line("Subjects:")
    out.line("Kind\tName\tNamespace", 1)
    out.line("----\t----\t---------", 1)
    for subject in obj.get("subjects") or ():
        out.line(f"{subject['kind']}\t{subject['name']}\t{subject.get('namespace', '')}", 1)


async def priority_class(out: Writer, obj: Object, cluster: Cluster) -> None:
    metadata = obj["metadata"]
    out.field("Name", metadata["name"])
    out.field("Value", obj.get("value", 0))
    out.field("GlobalDefault", go(obj.get("globalDefault")))
    out.field("PreemptionPolicy", obj.get("preemptionPolicy", ""))
    out.field("Description", obj.get("description", ""))
    out.field("Annotations", labels_text(metadata.get("annotations")))
    events(out, await cluster.events_of(obj), cluster.now)
