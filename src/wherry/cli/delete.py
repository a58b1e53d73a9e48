"""`wherry delete`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from wherry.cli.kubecommand import DURATION, command
from wherry.cli.objects.options import (
    all_namespaces,
    dry_run_option,
    field_selector,
    file_option,
    label_selector,
    output_option,
    recursive_option,
)
from wherry.cli.target import Target, target_options

if TYPE_CHECKING:
    from wherry.cli.deleting import DeleteOptions
    from wherry.cli.objects.choice import Choice
    from wherry.cli.target import Session


@command()
@click.argument("what", nargs=-1, metavar="TYPE NAME... | TYPE/NAME... | TYPE")
@click.option("--all", "everything", is_flag=True, help="All objects of the type in the namespace.")
@label_selector
@field_selector
@all_namespaces
@file_option
@recursive_option
@click.option("--grace-period", type=int, default=-1, metavar="SECONDS", help="How long a pod has to end by itself.")
@click.option("--now", is_flag=True, help="As --grace-period=1.")
@click.option("--force", is_flag=True, help="With no grace: do not wait until the node has stopped the pod.")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Return when the objects are gone.")
@click.option("--timeout", type=DURATION, default="0s", metavar="DURATION", help="How long to wait; 0: a week.")
@click.option(
    "--cascade",
    type=click.Choice(["background", "foreground", "orphan"]),
    default="background",
    show_default=True,
    is_flag=False,
    flag_value="background",
    help="What becomes of the objects that belong to them.",
)
@click.option("--ignore-not-found/--fail-not-found", "ignore", default=None, help="What is not there is no failure.")
@dry_run_option
@output_option
@target_options
def delete(
    what: Sequence[str],
    *,
    everything: bool,
    label_selector: str,
    field_selector: str,
    all_namespaces: bool,
    files: Sequence[str],
    recursive: bool,
    grace_period: int,
    now: bool,
    force: bool,
    wait: bool,
    timeout: float,
    cascade: str,
    ignore: bool | None,
    dry_run: str,
    output: str,
    target: Target,
) -> None:
    """Delete objects by names, files, labels, or all of a type.

    \b
    wherry delete pod web
    wherry delete -f app.yaml
    wherry delete pods,services -l app=web
    wherry delete pods --all --grace-period=5
    """
    from wherry.cli.deleting import DeleteOptions, grace_seconds
    from wherry.cli.errors import Refused
    from wherry.cli.objects.choice import Choice

    if output not in ("", "name"):
        raise Refused(f'unexpected -o output mode: {output}. We only support "-o name"')
    choice = Choice(
        what=what,
        files=files,
        recursive=recursive,
        everything=everything,
        label_selector=label_selector,
        field_selector=field_selector,
        all_namespaces=all_namespaces,
    )
    options = DeleteOptions(
        grace_seconds=grace_seconds(grace_period, now=now, force=force),
        force=force,
        propagation=cascade.capitalize(),
        ignore_not_found=choice.selects if ignore is None else ignore,
        wait=wait and dry_run == "none",
        timeout=timeout if timeout > 0 else 7 * 24 * 3600.0,
        dry_run=dry_run,
        names=output == "name",
    )
    target.run(lambda session: _delete(session, choice, options))


async def _delete(session: Session, choice: Choice, options: DeleteOptions) -> None:
    from wherry.cli.deleting import delete_all
    from wherry.cli.objects.choice import choose

    wanted = await choose(session, choice)
    if session.named and any(not each.resource.namespaced for each in wanted):
        click.echo("Warning: deleting cluster-scoped resources, not scoped to the provided namespace", err=True)
    if not wanted:
        click.echo("No resources found")
    await delete_all(session, wanted, options)
