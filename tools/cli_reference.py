"""Writes docs/command-line.md from the commands themselves: `python tools/cli_reference.py [--check]`.

A test fails while the page and the commands differ.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from wherry.cli.main import SECTIONS, cli

PAGE = Path(__file__).parents[1] / "docs" / "command-line.md"
INTRODUCTION = """\
# The command line

<!-- Made by tools/cli_reference.py from the commands; change those instead. -->

`wherry COMMAND --help` shows the same. Progress goes to standard error and results to standard output. The exit code is 0
when all went well, 1 when something failed (one line says what), 2 when the command was not understood, 130 after Ctrl-C.

| variable | what it does |
|---|---|
| `WHERRY_HOME` | where clusters keep their state; else `/var/lib/wherry` for root, else `$XDG_STATE_HOME/wherry` |
| `KUBECONFIG` | the kubeconfig files to read, and the first of them to write to; else `~/.kube/config` |
| `WHERRY_TRACEBACK` | set to anything: show where in the program an error of the operating system came from |
"""


def page() -> str:
    """The whole page."""
    context = click.Context(cli, info_name="wherry")
    parts = [INTRODUCTION]
    for title, names in SECTIONS.items():
        commands = [(name, cli.get_command(context, name)) for name in names]
        shown = [(name, command) for name, command in commands if command is not None and not command.hidden]
        if shown:
            parts.append(f"\n## {title}\n")
            parts += [section(name, command, context) for name, command in shown]
    return "".join(parts)


def section(name: str, command: click.Command, parent: click.Context) -> str:
    """One command, and the commands below it where it is a group."""
    context = click.Context(command, info_name=name, parent=parent)
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [f"\n### wherry {' '.join(context.command_path.split()[1:])}\n", f"    {context.command_path} {usage}\n"]
    lines += [f"{paragraph}\n" for paragraph in prose(command.help or "")]
    records = [one.get_help_record(context) for one in command.params if isinstance(one, click.Option)]
    options = [record for record in records if record is not None]
    lines.append("\n".join(f"- `{names}`{': ' if text else ''}{squeeze(text)}" for names, text in options) + "\n")
    text = "\n".join(lines)
    if isinstance(command, click.Group):
        text += "".join(section(sub, command.commands[sub], context) for sub in sorted(command.commands))
    return text


def prose(text: str) -> Iterator[str]:
    """Paragraphs; what click is told to leave as it is becomes a block of code."""
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(text)):
        if paragraph.startswith("\b"):
            yield "\n".join(f"    {line}".rstrip() for line in paragraph.splitlines()[1:])
        else:
            yield " ".join(paragraph.split())


def squeeze(text: str) -> str:
    """Click puts two spaces before what it adds."""
    return re.sub(r"\s+", " ", text)


def main() -> None:
    wanted = page()
    if "--check" in sys.argv[1:]:
        sys.exit(0 if PAGE.exists() and PAGE.read_text() == wanted else f"run: python tools/cli_reference.py ({PAGE})")
    PAGE.write_text(wanted)


if __name__ == "__main__":
    main()
