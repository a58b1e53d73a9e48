"""Failures as the one line that people see, in kubectl's words."""

from __future__ import annotations

import click

from wherry.api.errors import StatusError


class Refused(click.ClickException):
    """The command cannot be done as given: `error: ...`, exit code 1."""


class Failures:
    """Failures of a command that goes on after each: told at once, and the exit code is 1 at the end."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, error: Exception | str) -> None:
        self.count += 1
        click.echo(error if isinstance(error, str) else explain(error), err=True)

    def finish(self) -> None:
        """Raises `click.exceptions.Exit` where there was any."""
        if self.count:
            raise click.exceptions.Exit(1)


def explain(error: Exception) -> str:
    """One failure that is expected to happen; raises any other."""
    if isinstance(error, StatusError):
        if error.status_reason == "Unauthorized":
            return f"error: You must be logged in to the server ({error.message})"
        reason = f" ({error.status_reason})" if error.status_reason else ""
        return f"Error from server{reason}: {error.message}"
    if isinstance(error, click.ClickException):
        return f"error: {error.format_message()}"
    if _expected(error):
        return f"error: {error}"
    raise error


def _expected(error: Exception) -> bool:
    from wherry.client.kubeconfig import KubeconfigError
    from wherry.distro.config import ConfigError
    from wherry.distro.daemon import AlreadyRunning

    return isinstance(error, KubeconfigError | ConfigError | AlreadyRunning | OSError)
