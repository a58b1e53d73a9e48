"""`wherry token`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from wherry.cli.kubecommand import DURATION, command
from wherry.cli.target import Target, target_options

if TYPE_CHECKING:
    from wherry.api.types import Object
    from wherry.cli.target import Session


@click.group()
def token() -> None:
    """Tokens of service accounts."""


@command()
@click.argument("account", metavar="SERVICEACCOUNT")
@click.option("--duration", type=DURATION, metavar="DURATION", help="How long it is good for, such as 24h.")
@click.option("--audience", multiple=True, metavar="NAME", help="Who may accept it; may be given again.")
@target_options
def create(account: str, *, duration: float | None, audience: Sequence[str], target: Target) -> None:
    """Make a token for a service account, and print it.

    \b
    wherry token create default
    wherry token create builder -n ci --duration 1h --audience vault
    """
    spec: Object = {}
    if duration:
        spec["expirationSeconds"] = round(duration)
    if audience:
        spec["audiences"] = list(audience)

    async def work(session: Session) -> str:
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": {}, "spec": spec}
        answer = await session.client.create(
            "serviceaccounts", request, namespace=session.namespace, name=account, subresource="token"
        )
        return str(answer["status"]["token"])

    click.echo(target.run(work))


token.add_command(create)
