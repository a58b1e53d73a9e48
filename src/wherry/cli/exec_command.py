"""`wherry exec`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from wherry.cli.kubecommand import DURATION, command
from wherry.cli.target import Target, target_options

if TYPE_CHECKING:
    from wherry.api.types import Object
    from wherry.cli.target import Session


@command(name="exec")
@click.argument("pod", metavar="POD | TYPE/NAME")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="-- COMMAND [ARGUMENT...]")
@click.option("-i", "--stdin", is_flag=True, help="Pass on standard input.")
@click.option("-t", "--tty", is_flag=True, help="The command gets a terminal.")
@click.option("-c", "--container", default="", metavar="NAME", help="In this container.")
@click.option("-q", "--quiet", is_flag=True, help="Print only what the command prints.")
@click.option("--pod-running-timeout", type=DURATION, default="60s", show_default=True, help="Wait for a pod to exist.")
@target_options
def exec_command(
    pod: str,
    arguments: Sequence[str],
    *,
    stdin: bool,
    tty: bool,
    container: str,
    quiet: bool,
    pod_running_timeout: float,
    target: Target,
) -> None:
    """Run a command in a container; its exit code becomes this command's.

    \b
    wherry exec web -- ls /
    wherry exec -it deployment/web -- sh
    echo hello | wherry exec -i web -c app -- cat
    """
    from wherry.cli.errors import Refused
    from wherry.cli.pods.terminal import Terminal

    if not arguments:
        raise Refused("you must specify at least one command for the container: wherry exec POD -- COMMAND")
    tty = tty and stdin
    if tty and not Terminal.present():
        tty = False
        if not quiet:
            click.echo("Unable to use a TTY - input is not a terminal or the right kind of file", err=True)

    async def work(session: Session) -> int:
        from wherry.cli.pods import containers, finding

        found = (await finding.pods_of(session, await finding.parse(session, pod), timeout=pod_running_timeout))[0]
        phase = (found.get("status") or {}).get("phase")
        if phase in ("Succeeded", "Failed"):
            raise Refused(f"cannot exec into a container in a completed pod; current phase is {phase}")
        name = container or containers.choose(found, "", quiet=quiet)
        return await _run(session, found, name, arguments, stdin=stdin, tty=tty)

    code = target.run(work)
    if code:
        if not quiet:
            click.echo(f"command terminated with exit code {code}", err=True)
        raise click.exceptions.Exit(code)


async def _run(
    session: Session, pod: Object, container: str, arguments: Sequence[str], *, stdin: bool, tty: bool
) -> int:
    from urllib.parse import urlencode

    from wherry.cli.pods.exec_session import SUBPROTOCOLS, ExecSession
    from wherry.cli.pods.terminal import Input, Terminal

    flags = {"stdin": stdin, "stdout": True, "stderr": not tty, "tty": tty}
    query = [("container", container), *((name, "true") for name, given in flags.items() if given)]
    query += [("command", argument) for argument in arguments]
    metadata = pod["metadata"]
    path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/exec?{urlencode(query)}"
    socket = await session.client.websocket(path, subprotocols=SUBPROTOCOLS)
    terminal = Terminal() if tty else None
    with terminal.raw() if terminal else nullcontext():
        source = Input() if stdin else None
        return await ExecSession(socket, source=source, terminal=terminal).run()
