"""`TYPE`, `TYPE NAME...`, `TYPE/NAME...`, `TYPE1,TYPE2`, `all`: the objects that arguments name.

Source: kubectl's resource builder (k8s.io/cli-runtime/pkg/resource), whose messages these are.
"""

from __future__ import annotations

from collections.abc import Sequence

from wherry.api.errors import NotFound
from wherry.api.resources import Resource
from wherry.cli.errors import Refused
from wherry.cli.objects.wanted import Wanted
from wherry.cli.target import Session
from wherry.client.discovery import Discovery

CATEGORIES = ("all", "api-extensions")


async def parse(
    session: Session, arguments: Sequence[str], *, all_namespaces: bool = False, names_needed: bool = False
) -> list[Wanted]:
    """What the arguments name. Raises `Refused`.

    With `names_needed` a type without names is refused.
    """
    if any("/" in argument for argument in arguments):
        return await _pairs(session, arguments, all_namespaces)
    types, names = arguments[0].split(","), arguments[1:]
    resources = await _resources(session.discovery, types)
    if not names:
        if names_needed:
            raise Refused("resource(s) were provided, but no name was specified")
        return [Wanted(resource, _scope(session, resource, all_namespaces)) for resource in resources]
    if all_namespaces:
        raise Refused("a resource cannot be retrieved by name across all namespaces")
    if "" in names:
        raise Refused("resource name may not be empty")
    return [Wanted(resource, _scope(session, resource, False), name) for name in names for resource in resources]


async def resolve(discovery: Discovery, name: str) -> Resource:
    """The resource of a name. Raises `Refused`."""
    try:
        return await discovery.resolve(name)
    except NotFound as error:
        raise Refused(error.message) from error


async def _pairs(session: Session, arguments: Sequence[str], all_namespaces: bool) -> list[Wanted]:
    found = []
    for argument in arguments:
        if "/" not in argument:
            raise Refused(
                "there is no need to specify a resource type as a separate argument when passing arguments in "
                "resource/name form (e.g. 'wherry get resource/<resource_name>' instead of "
                "'wherry get resource resource/<resource_name>'"
            )
        kind, _, name = argument.partition("/")
        if "/" in name:
            raise Refused("arguments in resource/name form may not have more than one slash")
        if not kind or not name:
            raise Refused("arguments in resource/name form must have a single resource and name")
        if all_namespaces:
            raise Refused("a resource cannot be retrieved by name across all namespaces")
        resource = await resolve(session.discovery, kind)
        found.append(Wanted(resource, _scope(session, resource, False), name))
    return found


async def _resources(discovery: Discovery, names: Sequence[str]) -> list[Resource]:
    """The resources of a list of types, categories opened, each once."""
    found: dict[tuple[str, str], Resource] = {}
    for name in names:
        if not name:
            raise Refused('the server doesn\'t have a resource type ""')
        for resource in await _members(discovery, name) or [await resolve(discovery, name)]:
            found.setdefault((resource.group, resource.plural), resource)
    return list(found.values())


async def _members(discovery: Discovery, category: str) -> list[Resource]:
    """The resources of a category that can be listed, in the order of discovery; none for what is not a category."""
    if category not in CATEGORIES:
        return []
    return [
        resource
        for resource in await discovery.preferred()
        if category in resource.categories and "list" in resource.verbs
    ]


def _scope(session: Session, resource: Resource, all_namespaces: bool) -> str | None:
    return session.namespace if resource.namespaced and not all_namespaces else None
