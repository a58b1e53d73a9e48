"""`wherry port-forward`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from wherry.cli.kubecommand import DURATION, command
from wherry.cli.target import Target, target_options

if TYPE_CHECKING:
    from wherry.api.types import Object
    from wherry.cli.target import Session


@command(name="port-forward")
@click.argument("what", metavar="POD | TYPE/NAME")
@click.argument("ports", nargs=-1, required=True, metavar="[LOCAL:]REMOTE...")
@click.option(
    "--address", multiple=True, metavar="ADDRESS", help="Where to listen (default localhost); may be given again."
)
@click.option("--pod-running-timeout", type=DURATION, default="60s", show_default=True, help="Wait for a pod to exist.")
@target_options
def port_forward(
    what: str, ports: Sequence[str], *, address: Sequence[str], pod_running_timeout: float, target: Target
) -> None:
    """Lead local ports into a pod, until interrupted.

    \b
    wherry port-forward web 8080:80               localhost:8080 to the pod's port 80
    wherry port-forward service/web 8080:http     a pod behind the Service, its port by name
    wherry port-forward deployment/web :80        any free local port
    wherry port-forward --address 0.0.0.0 web 80
    """

    async def work(session: Session) -> None:
        from wherry.cli.pods import finding

        wanted = await finding.parse(session, what)
        pod = (await finding.pods_of(session, wanted, timeout=pod_running_timeout))[0]
        service = await finding.read(session, wanted) if wanted.resource.qualified == "services" else None
        await _forward(session, pod, service, ports, _addresses(address))

    target.run(work)


def _addresses(given: Sequence[str]) -> list[str]:
    """Each address; localhost is both of its own."""
    names = [name for part in given or ("localhost",) for name in part.split(",")]
    return [address for name in names for address in (("127.0.0.1", "::1") if name == "localhost" else (name,))]


async def _forward(
    session: Session, pod: Object, service: Object | None, ports: Sequence[str], addresses: Sequence[str]
) -> None:
    from wherry.cli.errors import Refused
    from wherry.cli.pods.forwarding import Forwarder
    from wherry.cli.pods.ports import parse

    forwards = [parse(text, pod, service) for text in ports]
    phase = (pod.get("status") or {}).get("phase")
    if phase != "Running":
        raise Refused(f"unable to forward port because pod is not running. Current status={phase}")
    metadata = pod["metadata"]
    path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/portforward"
    forwarder = await Forwarder.open(
        session.client, path, say=click.echo, complain=lambda line: click.echo(f"error: {line}", err=True)
    )
    listening = [await forwarder.listen(forward, addresses) for forward in forwards]
    if not any(listening):
        shown = " ".join(f"{{{forward.local} {forward.remote}}}" for forward in forwards)
        raise Refused(f"unable to listen on any of the requested ports: [{shown}]")
    await forwarder.run()
