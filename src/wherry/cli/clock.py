"""`wherry clock`."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import click

from wherry.cli.kubecommand import DURATION
from wherry.cli.options import json_output, some_cluster

if TYPE_CHECKING:
    from wherry.cli.progress import Steps

STRIDE_SECONDS = 3600.0
"""A long way is gone in strides, so that it shows how far it is."""


@click.group()
def clock() -> None:
    """The clock of a test cluster (`wherry up NAME --clock virtual`): show it, move it ahead."""


@clock.command()
@some_cluster
@json_output
def show(name: str, output: str | None) -> None:
    """What the cluster's clock shows."""
    _print(asyncio.run(_ask(name, 0.0, None)), output)


@clock.command()
@click.argument("time", type=DURATION, metavar="DURATION")
@some_cluster
@json_output
def advance(time: float, name: str, output: str | None) -> None:
    """Move the cluster's clock ahead, and do in order all that falls due on the way.

    \b
    wherry clock advance 24h         the CronJobs, back-offs, TTLs and expiries of a day, in seconds
    wherry clock advance 90s test    of the cluster called test
    """
    from wherry.cli.progress import Steps

    if output:
        _print(asyncio.run(_ask(name, time, None)), output)
        return
    with Steps() as steps:
        steps.begin("Moving the clock")
        found = asyncio.run(_ask(name, time, steps))
        steps.done(f"{_words(time)} have passed")
    _print(found, output)


async def _ask(name: str, seconds: float, steps: Steps | None) -> dict[str, Any]:
    """Go the way in strides; gives what the clock shows at its end."""
    from wherry.base.clock import RealClock
    from wherry.cli.connect import client_for
    from wherry.cli.options import chosen

    client = client_for(chosen(name).path.name, clock=RealClock())
    try:
        found = await _call(client, "GET", b"")
        gone = 0.0
        while gone < seconds:
            stride = min(STRIDE_SECONDS, seconds - gone)
            found = await _call(client, "POST", json.dumps({"advance": stride}).encode())
            gone += stride
            if steps is not None:
                steps.update(f"Moving the clock: {_words(gone)} of {_words(seconds)}, it shows {found['now']}")
    finally:
        await client.aclose()
    return found


async def _call(client: Any, method: str, body: bytes) -> dict[str, Any]:
    from wherry.client.answers import content, error_of

    answer = await client.raw(method, "/wherry/clock", body=body, headers={"content-type": "application/json"})
    if answer.status != 200:
        raise error_of(answer.status, content(answer))
    shown: dict[str, Any] = json.loads(content(answer))
    return shown


def _words(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    minutes, left = divmod(rest, 60)
    parts = [f"{n}{unit}" for n, unit in ((hours, "h"), (minutes, "m"), (left, "s")) if n]
    return "".join(parts) or "0s"


def _print(found: dict[str, Any], output: str | None) -> None:
    if output:
        click.echo(json.dumps(found))
        return
    ahead = f", {_words(found['ahead'])} ahead of this machine" if found["clock"] == "virtual" else ""
    click.echo(f"{found['now']} ({found['clock']} clock{ahead})")
