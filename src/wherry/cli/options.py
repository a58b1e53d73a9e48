"""Options and arguments that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from wherry.distro.config import DEFAULT_NAME

if TYPE_CHECKING:
    from wherry.distro.config import StateDirectory

cluster_name = click.argument("name", default=DEFAULT_NAME, metavar="[NAME]")
state_dir = click.option(
    "--state-dir",
    type=click.Path(file_okay=False),
    metavar="DIR",
    help="Where the cluster's state is kept, if not in the usual place.",
)
json_output = click.option("-o", "--output", type=click.Choice(["json"]), help="Print as JSON.")
some_cluster = click.argument("name", default="", metavar="[NAME]")
of_cluster = click.option("--name", "cluster", default="", metavar="NAME", help="Which cluster of this machine.")


def chosen(name: str) -> StateDirectory:
    """The named cluster; without a name the one with the usual name, or the only one. Raises `ConfigError`."""
    from wherry.distro.config import all_state_directories
    from wherry.distro.lifecycle import find

    if not name:
        every = all_state_directories()
        usual = [state for state in every if state.path.name == DEFAULT_NAME]
        if not usual and len(every) == 1:
            return every[0]
    return find(name or DEFAULT_NAME)
