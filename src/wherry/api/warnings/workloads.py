"""Kinds with a template of pods in them."""

from __future__ import annotations

from collections.abc import Iterator

from wherry.api.types import Object
from wherry.api.warnings.pods import of_spec
from wherry.machinery import names


def plain(obj: Object) -> Iterator[str]:
    """The template at `spec.template`."""
    template = (obj.get("spec") or {}).get("template") or {}
    return of_spec(template.get("spec") or {}, template.get("metadata") or {}, "spec.template.")


def named(obj: Object) -> Iterator[str]:
    """The pods are called after the object, too."""
    yield from _name(obj)
    yield from plain(obj)


def cron_job(obj: Object) -> Iterator[str]:
    yield from _name(obj)
    job = ((obj.get("spec") or {}).get("jobTemplate") or {}).get("spec") or {}
    template = job.get("template") or {}
    yield from of_spec(template.get("spec") or {}, template.get("metadata") or {}, "spec.jobTemplate.spec.template.")


def pod_template(obj: Object) -> Iterator[str]:
    template = obj.get("template") or {}
    return of_spec(template.get("spec") or {}, template.get("metadata") or {}, "template.")


def _name(obj: Object) -> Iterator[str]:
    if messages := names.dns1123_label(obj["metadata"].get("name") or ""):
        yield (
            "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; "
            f"a DNS label is recommended: [{' '.join(messages)}]"
        )
