"""Options and arguments that several commands share."""

from __future__ import annotations

import click

from wherry.distro.config import DEFAULT_NAME

cluster_name = click.argument("name", default=DEFAULT_NAME, metavar="[NAME]")
state_dir = click.option(
    "--state-dir",
    type=click.Path(file_okay=False),
    metavar="DIR",
    help="Where the cluster's state is kept, if not in the usual place.",
)
json_output = click.option("-o", "--output", type=click.Choice(["json"]), help="Print as JSON.")
