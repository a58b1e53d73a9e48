"""What `wherry delete` does: delete each, then wait for all. Source: kubectl's pkg/cmd/delete."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import click

from wherry.api.errors import NotFound, StatusError
from wherry.cli.errors import Failures, Refused
from wherry.cli.objects.wanted import Wanted, singular
from wherry.cli.target import Session
from wherry.cli.waiting.gone import wait_gone

_DRY_RUN = {"client": " (dry run)", "server": " (server dry run)"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteOptions:
    """`grace_seconds` None: the object's own. `propagation` as the API has it: Background, Foreground, Orphan."""

    grace_seconds: int | None
    force: bool
    propagation: str
    ignore_not_found: bool
    wait: bool
    timeout: float
    dry_run: str
    names: bool


def grace_seconds(given: int, *, now: bool, force: bool) -> int | None:
    """Zero only by force, which does not wait for the node; else at least one second. Raises `Refused`."""
    if now and given != -1:
        raise Refused("--now and --grace-period cannot be specified together")
    if now:
        given = 1
    if force:
        if given > 0:
            raise Refused("--force and --grace-period greater than 0 cannot be specified together")
        return 0
    if given < 0:
        return None
    return max(given, 1)


async def delete_all(session: Session, wanted: Sequence[Wanted], options: DeleteOptions) -> None:
    """Delete one after another; a failure does not stop the others. Raises `Exit` at the end."""
    failures = Failures()
    if options.force and options.grace_seconds == 0 and wanted:
        click.echo(
            "Warning: Immediate deletion does not wait for confirmation that the running resource has been "
            "terminated. The resource may continue to run on the cluster indefinitely.",
            err=True,
        )
    deleted = []
    for each in wanted:
        try:
            uid = await _delete(session, each, options)
        except NotFound as error:
            if not options.ignore_not_found:
                failures.add(error)
        except StatusError as error:
            failures.add(error)
        else:
            deleted.append((each, uid))
            _tell(each, options)
    if options.wait:
        await _wait(session, deleted, options, failures)
    failures.finish()


async def _delete(session: Session, each: Wanted, options: DeleteOptions) -> str:
    """Gives the uid of what was deleted, where the server tells it."""
    if options.dry_run == "client":
        found = await session.client.get(each.resource, each.name, namespace=each.namespace)
        return str(found["metadata"]["uid"])
    answer = await session.client.delete(
        each.resource,
        each.name,
        namespace=each.namespace,
        grace_period_seconds=options.grace_seconds,
        propagation_policy=options.propagation,
        dry_run=options.dry_run == "server",
    )
    about = answer.get("details") if answer.get("kind") == "Status" else answer.get("metadata")
    return str((about or {}).get("uid") or "")


def _tell(each: Wanted, options: DeleteOptions) -> None:
    if options.names:
        click.echo(each.title)
        return
    how = "force deleted" if options.force and options.grace_seconds == 0 else "deleted"
    click.echo(f'{singular(each.resource)} "{each.name}" {how}{_DRY_RUN.get(options.dry_run, "")}')


async def _wait(
    session: Session, deleted: Sequence[tuple[Wanted, str]], options: DeleteOptions, failures: Failures
) -> None:
    tasks = [asyncio.ensure_future(wait_gone(session.client, each, uid)) for each, uid in deleted]
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=options.timeout)
    for (each, _), task in zip(deleted, tasks, strict=True):
        if task in late:
            task.cancel()
            failures.add(f"error: timed out waiting for the condition on {each.resource.plural}/{each.name}")
        elif isinstance(error := task.exception(), StatusError):
            failures.add(error)
    await asyncio.gather(*late, return_exceptions=True)
