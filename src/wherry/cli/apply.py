"""`wherry apply`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from wherry.cli.kubecommand import command
from wherry.cli.objects.options import dry_run_option, file_option, output_option, recursive_option, validate_option
from wherry.cli.target import Target, target_options

if TYPE_CHECKING:
    from wherry.cli.applying.client_side import ApplyOptions
    from wherry.cli.formats.output import Printer
    from wherry.cli.objects.manifests import Manifest
    from wherry.cli.target import Session


@command()
@file_option
@recursive_option
@dry_run_option
@validate_option
@click.option("--server-side", is_flag=True, help="Let the server merge, and remember who owns which field.")
@click.option("--force-conflicts", is_flag=True, help="With --server-side: take fields from their other managers.")
@click.option("--field-manager", default="", metavar="NAME", help="Who applies.")
@click.option("--force", is_flag=True, help="Delete and make anew what cannot be changed in place.")
@output_option
@target_options
def apply(
    *,
    files: Sequence[str],
    recursive: bool,
    dry_run: str,
    validate: str,
    server_side: bool,
    force_conflicts: bool,
    field_manager: str,
    force: bool,
    output: str,
    target: Target,
) -> None:
    """Bring objects to what files say: make what is missing, change what differs.

    \b
    wherry apply -f app.yaml
    wherry apply -f manifests/ -R           every .yaml, .yml and .json below the folder
    cat app.yaml | wherry apply -f -
    wherry apply -f app.yaml --dry-run=server -o yaml

    What an earlier apply had set and the files no longer have is taken away; what others set is left alone.
    """
    from wherry.cli.applying.client_side import MANAGER, ApplyOptions
    from wherry.cli.applying.server_side import MANAGER as SERVER_MANAGER
    from wherry.cli.errors import Refused
    from wherry.cli.formats.output import printer
    from wherry.cli.objects import manifests

    if not files:
        raise Refused("must specify -f")
    if dry_run == "client" and server_side:
        raise Refused("--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)")
    if force_conflicts and not server_side:
        raise Refused("--force-conflicts only works with --server-side")
    options = ApplyOptions(
        dry_run=dry_run,
        validation=validate,
        force=force_conflicts if server_side else force,
        manager=field_manager or (SERVER_MANAGER if server_side else MANAGER),
    )
    shape = printer(output)
    read = manifests.read(files, recursive=recursive)
    if not read:
        raise Refused("no objects passed to apply")
    target.run(lambda session: _apply(session, read, options, shape, server_side=server_side, names=output == "name"))


async def _apply(
    session: Session,
    read: Sequence[Manifest],
    options: ApplyOptions,
    shape: Printer | None,
    *,
    server_side: bool,
    names: bool,
) -> None:
    """One after another, in the files' order; a failure does not stop those behind it."""
    from wherry.api.errors import StatusError
    from wherry.cli.applying import client_side
    from wherry.cli.applying import server_side as on_server
    from wherry.cli.applying.changes import tell
    from wherry.cli.errors import Failures, Refused
    from wherry.cli.objects import manifests

    failures = Failures()
    act = on_server.apply if server_side else client_side.apply
    for manifest in read:
        try:
            # Not placed all at once: a definition of custom resources may come before its objects.
            [given] = await manifests.place(session, [manifest])
            change = await act(session.client, given, options)
            tell(change, shape, names=names, dry_run=options.dry_run)
        except (StatusError, Refused) as error:
            failures.add(error)
    failures.finish()
