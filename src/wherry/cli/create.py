"""`wherry create`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from wherry.cli.kubecommand import command
from wherry.cli.objects.options import dry_run_option, file_option, output_option, recursive_option, validate_option
from wherry.cli.target import Target, target_options

if TYPE_CHECKING:
    from wherry.api.types import Object
    from wherry.cli.objects.manifests import Given
    from wherry.cli.target import Session


@command()
@file_option
@recursive_option
@dry_run_option
@validate_option
@click.option("--save-config", is_flag=True, help="Keep the configuration for a later `wherry apply`.")
@output_option
@target_options
def create(
    *,
    files: Sequence[str],
    recursive: bool,
    dry_run: str,
    validate: str,
    save_config: bool,
    output: str,
    target: Target,
) -> None:
    """Make objects from files; one that exists already is a failure.

    \b
    wherry create -f pod.yaml
    cat pod.yaml | wherry create -f - -o name
    """
    from wherry.api.errors import StatusError
    from wherry.cli.applying.annotation import annotated
    from wherry.cli.applying.changes import Change, tell, told_from
    from wherry.cli.errors import Failures, Refused
    from wherry.cli.formats.output import printer
    from wherry.cli.objects import manifests

    if not files:
        raise Refused("must specify -f")
    shape = printer(output)
    read = manifests.read(files, recursive=recursive)

    async def make(session: Session, given: Given) -> Object:
        obj = annotated(given.manifest.object) if save_config else given.manifest.object
        if dry_run == "client":
            return obj
        try:
            return await session.client.create(
                given.wanted.resource,
                obj,
                namespace=given.wanted.namespace,
                dry_run=dry_run == "server",
                field_manager="kubectl-create",
                field_validation=validate,
            )
        except StatusError as error:
            raise told_from(error, "creating", given.manifest.place) from error

    async def work(session: Session) -> None:
        failures = Failures()
        for manifest in read:
            try:
                [given] = await manifests.place(session, [manifest])
                change = Change(given.wanted.resource, await make(session, given), "created")
                tell(change, shape, names=output == "name", dry_run=dry_run)
            except (StatusError, Refused) as error:
                failures.add(error)
        failures.finish()

    target.run(work)
