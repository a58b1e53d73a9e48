"""`wherry completion`."""

from __future__ import annotations

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script that makes a shell complete commands and options.

    \b
    source <(wherry completion bash)            in ~/.bashrc
    source <(wherry completion zsh)             in ~/.zshrc
    wherry completion fish | source             in ~/.config/fish/config.fish
    """
    from click.shell_completion import get_completion_class

    from wherry.cli.main import cli

    made = get_completion_class(shell)
    if made is not None:
        click.echo(made(cli, {}, "wherry", "_WHERRY_COMPLETE").source())
