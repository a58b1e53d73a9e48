"""Options that the commands about objects share."""

from __future__ import annotations

import click

output_option = click.option(
    "-o",
    "--output",
    default="",
    metavar="FORM",
    help="wide, yaml, json, name, jsonpath=..., jsonpath-as-json=..., jsonpath-file=..., custom-columns=..., "
    "custom-columns-file=...",
)
all_namespaces = click.option("-A", "--all-namespaces", is_flag=True, help="In all namespaces.")
label_selector = click.option(
    "-l",
    "--selector",
    "label_selector",
    default="",
    metavar="SELECTOR",
    help="By labels: app=web, 'tier in (a,b)', !old.",
)
field_selector = click.option(
    "--field-selector", default="", metavar="SELECTOR", help="By fields: status.phase=Running, metadata.name!=web."
)
file_option = click.option(
    "-f", "--filename", "files", multiple=True, metavar="FILE", help="File, folder, URL or - (standard input)."
)
recursive_option = click.option("-R", "--recursive", is_flag=True, help="Go into the folders below a folder of -f.")
dry_run_option = click.option(
    "--dry-run",
    type=click.Choice(["none", "client", "server"]),
    default="none",
    is_flag=False,
    flag_value="client",
    help="Only show what would happen: by this program alone, or by the server.",
)


def _validation(context: click.Context, parameter: click.Parameter, value: str) -> str:
    words = {"true": "Strict", "strict": "Strict", "warn": "Warn", "false": "Ignore", "ignore": "Ignore"}
    if value not in words:
        raise click.BadParameter("choose one of strict, warn, ignore")
    return words[value]


validate_option = click.option(
    "--validate",
    default="strict",
    metavar="strict|warn|ignore",
    show_default=True,
    callback=_validation,
    help="What the server does about unknown fields.",
)
