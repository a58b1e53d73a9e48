"""What a command is about: one object, or all objects of a resource."""

from __future__ import annotations

from dataclasses import dataclass

from wherry.api.resources import Resource


@dataclass(frozen=True, slots=True)
class Wanted:
    """One object by its name, or (without a name) the collection. No namespace: all of them, or a cluster's object."""

    resource: Resource
    namespace: str | None
    name: str = ""

    @property
    def title(self) -> str:
        """`pod/x`, `deployment.apps/hello`, as `-o name` prints it."""
        return title(self.resource, self.name)


def title(resource: Resource, name: str) -> str:
    """`pod/x`, `deployment.apps/hello`."""
    return f"{group_kind(resource)}/{name}"


def group_kind(resource: Resource) -> str:
    """`pod`, `deployment.apps`."""
    kind = resource.kind.lower()
    return f"{kind}.{resource.group}" if resource.group else kind


def singular(resource: Resource) -> str:
    """`pod`, `deployment.apps`: the resource's own word for one, as `delete` says it."""
    return f"{resource.singular_name}.{resource.group}" if resource.group else resource.singular_name
