"""`wherry describe`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from wherry.cli.kubecommand import command
from wherry.cli.objects.options import all_namespaces, file_option, label_selector, recursive_option
from wherry.cli.target import Target, target_options

if TYPE_CHECKING:
    from wherry.api.types import Object
    from wherry.cli.errors import Failures
    from wherry.cli.objects.wanted import Wanted
    from wherry.cli.target import Session


@command()
@click.argument("what", nargs=-1, metavar="TYPE [NAME | PREFIX...] | TYPE/NAME...")
@all_namespaces
@label_selector
@click.option("--show-events/--no-events", default=True, show_default=True, help="What happened to the objects.")
@file_option
@recursive_option
@target_options
def describe(
    what: Sequence[str],
    *,
    all_namespaces: bool,
    label_selector: str,
    show_events: bool,
    files: Sequence[str],
    recursive: bool,
    target: Target,
) -> None:
    """Show objects with what belongs to them: events, pods, endpoints.

    \b
    wherry describe pod web
    wherry describe nodes
    wherry describe pods -l app=web
    wherry describe deployment/web service/web
    """

    async def work(session: Session) -> None:
        from wherry.cli.errors import Failures, Refused
        from wherry.cli.objects import arguments, manifests

        if files:
            wanted = [one.wanted for one in await manifests.place(session, manifests.read(files, recursive=recursive))]
        elif what:
            wanted = await arguments.parse(session, what, all_namespaces=all_namespaces)
        else:
            raise Refused("you must specify the type of resource to describe, such as `wherry describe pods`")
        failures = Failures()
        found = [pair for each in wanted for pair in await _objects(session, each, label_selector, failures)]
        if not found and not failures.count:
            namespaced = all(each.resource.namespaced for each in wanted) and not all_namespaces
            place = f" in {session.namespace} namespace." if namespaced else ""
            click.echo(f"No resources found{place}", err=True)
        by_beginning = any(each.name and each.name != obj["metadata"]["name"] for each, obj in found)
        await _print(session, found, show_events, end="\n" if by_beginning else "")
        failures.finish()

    target.run(work)


async def _objects(
    session: Session, each: Wanted, label_selector: str, failures: Failures
) -> list[tuple[Wanted, Object]]:
    """The object of that name, those whose names begin so, or the collection."""
    from dataclasses import replace

    from wherry.api.errors import NotFound, StatusError
    from wherry.cli.objects.requests import Reading, objects

    try:
        return [(each, obj) for obj in await objects(session.client, each, Reading(label_selector=label_selector))]
    except NotFound as error:
        collection = await objects(session.client, replace(each, name="")) if each.name else []
        found = [obj for obj in collection if obj["metadata"]["name"].startswith(each.name)]
        if not found:
            failures.add(error)
        return [(each, obj) for obj in found]
    except StatusError as error:
        failures.add(error)
        return []


async def _print(session: Session, found: Sequence[tuple[Wanted, Object]], show_events: bool, *, end: str) -> None:
    """One below the other; those found by the beginning of their names, each ended by `end`."""
    from wherry.cli.describing.cluster import Cluster
    from wherry.cli.describing.kinds import describe as text_of

    cluster = Cluster(session.client, session.client.clock.now(), show_events=show_events)
    for index, (each, obj) in enumerate(found):
        lead = "\n\n" if index and not end else ""
        click.echo(lead + await text_of(each.resource, obj, cluster) + end, nl=False)
