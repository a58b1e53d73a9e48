"""`wherry wait`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from wherry.cli.kubecommand import DURATION, command
from wherry.cli.objects.options import (
    all_namespaces,
    field_selector,
    file_option,
    label_selector,
    output_option,
    recursive_option,
)
from wherry.cli.target import Target, target_options

if TYPE_CHECKING:
    from wherry.cli.objects.wanted import Wanted
    from wherry.cli.target import Session
    from wherry.cli.waiting.conditions import Awaited

_WEEK_SECONDS = 7 * 24 * 3600.0


@command()
@click.argument("what", nargs=-1, metavar="TYPE NAME... | TYPE/NAME... | TYPE")
@click.option(
    "--for",
    "condition",
    required=True,
    metavar="CONDITION",
    help="delete, create, condition=NAME[=VALUE], or jsonpath='{...}'[=VALUE].",
)
@click.option("--timeout", type=DURATION, default="30s", show_default=True, help="0: look once. Negative: a week.")
@click.option("--all", "everything", is_flag=True, help="All objects of the type.")
@label_selector
@field_selector
@all_namespaces
@file_option
@recursive_option
@output_option
@target_options
def wait(
    what: Sequence[str],
    *,
    condition: str,
    timeout: float,
    everything: bool,
    label_selector: str,
    field_selector: str,
    all_namespaces: bool,
    files: Sequence[str],
    recursive: bool,
    output: str,
    target: Target,
) -> None:
    """Wait until objects are as wanted.

    \b
    wherry wait --for=condition=Ready pod/web --timeout=60s
    wherry wait --for=condition=Available deployment --all
    wherry wait --for=jsonpath='{.status.phase}'=Running pods -l app=web
    wherry wait --for=delete pod/web
    """
    from wherry.cli.objects.choice import Choice, choose
    from wherry.cli.waiting.conditions import awaited as parse

    awaited = parse(condition)
    choice = Choice(
        what=what,
        files=files,
        recursive=recursive,
        everything=everything,
        label_selector=label_selector,
        field_selector=field_selector,
        all_namespaces=all_namespaces,
    )

    async def work(session: Session) -> None:
        from wherry.cli.errors import Refused

        wanted = await choose(session, choice)
        if not wanted and awaited.kind != "delete":
            raise Refused("no matching resources found")
        await _wait_all(session, wanted, awaited, timeout if timeout >= 0 else _WEEK_SECONDS, output)

    target.run(work)


async def _wait_all(session: Session, wanted: Sequence[Wanted], awaited: Awaited, seconds: float, output: str) -> None:
    """Side by side under one time limit, told in their order."""
    import asyncio

    from wherry.api.errors import StatusError
    from wherry.cli.errors import Failures
    from wherry.cli.waiting.objects import wait_for

    async def one(each: Wanted) -> bool:
        # A look costs a request: a limit of zero must still allow one.
        async with asyncio.timeout(seconds or 1.0):
            return await wait_for(session.client, each, awaited)

    failures = Failures()
    tasks = [asyncio.ensure_future(one(each)) for each in wanted]
    for each, task in zip(wanted, tasks, strict=True):
        try:
            if await task:
                click.echo(each.title if output == "name" else f"{each.title} condition met")
        except TimeoutError:
            failures.add(f"error: timed out waiting for the condition on {each.resource.plural}/{each.name}")
        except StatusError as error:
            failures.add(error)
    failures.finish()
