"""Which cluster a command talks to, as whom and in which namespace: the options, and a session with it.

The user's kubeconfig decides, as for kubectl; where it names no cluster, the cluster that runs on this machine is meant;
in a pod, the pod's service account.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from wherry.client.client import Client
    from wherry.client.discovery import Discovery
    from wherry.client.kubeconfig import Connection

T = TypeVar("T")

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, slots=True)
class Session:
    """A cluster while a command runs. `namespace` is the one to use; `named` tells that the user gave it."""

    client: Client
    discovery: Discovery
    namespace: str
    named: bool


@dataclass(frozen=True, slots=True)
class Target:
    """What the user said about the cluster."""

    context: str = ""
    kubeconfig: str = ""
    namespace: str = ""

    def run(self, work: Callable[[Session], Awaitable[T]]) -> T:
        """Do the work in a session. Raises `KubeconfigError`, `OSError`, and what the work raises."""
        import asyncio

        return asyncio.run(self._run(work))

    async def _run(self, work: Callable[[Session], Awaitable[T]]) -> T:
        from wherry.base.clock import RealClock
        from wherry.cli.connect import client_of
        from wherry.client.discovery import Discovery
        from wherry.wire.errors import ConnectFailed

        connection = self.connection()
        client = client_of(connection, clock=RealClock(), on_warning=warn)
        namespace = self.namespace or connection.namespace
        try:
            return await work(Session(client, Discovery(client), namespace, bool(self.namespace)))
        except ConnectFailed as error:
            raise _unreachable(connection.server, error) from error
        finally:
            await client.aclose()

    def connection(self) -> Connection:
        """Raises `KubeconfigError`."""
        from wherry.client import kubeconfig

        files = [Path(self.kubeconfig)] if self.kubeconfig else kubeconfig.paths()
        if self.kubeconfig and not files[0].exists():
            raise kubeconfig.KubeconfigError(f"stat {self.kubeconfig}: no such file or directory")
        config = kubeconfig.load(files)
        if not (self.context or self.kubeconfig or config.get("current-context")):
            if (account := _in_pod()) is not None:
                return account
            if (state := _running_here()) is not None:
                config = kubeconfig.load([state])
        return kubeconfig.connection(config, self.context)


def target_options(function: Callable[..., T]) -> Callable[..., T]:
    """`--context`, `--kubeconfig` and `-n` as one keyword argument `target`."""

    @click.option("-n", "--namespace", default="", metavar="NAME", help="The namespace, if not the context's.")
    @click.option("--context", default="", metavar="NAME", help="The kubeconfig context to use.")
    @click.option("--kubeconfig", default="", metavar="FILE", help="The kubeconfig file to use.")
    @functools.wraps(function)
    def wrapper(*arguments: Any, context: str, kubeconfig: str, namespace: str, **options: Any) -> T:
        return function(*arguments, target=Target(context, kubeconfig, namespace), **options)

    return wrapper


_told: set[str] = set()


def warn(text: str) -> None:
    """Print a warning of the server's, each once."""
    if text not in _told:
        _told.add(text)
        click.echo(f"Warning: {text}", err=True)


def _unreachable(server: str, error: Exception) -> click.ClickException:
    from urllib.parse import urlsplit

    from wherry.cli.errors import Refused

    cause = error.__cause__
    number = cause.errno if isinstance(cause, ConnectionError) else None
    why = os.strerror(number) if number else str(error).rpartition(": ")[2]
    return Refused(
        f"cannot reach the server {urlsplit(server).netloc} ({why.lower()}): is it running? `wherry status` tells"
    )


def _running_here() -> Path | None:
    """The kubeconfig of the cluster that runs on this machine: the only one, or the one with the usual name."""
    from wherry.distro.config import DEFAULT_NAME, all_state_directories
    from wherry.distro.daemon import running_pid

    running = [state for state in all_state_directories() if running_pid(state) and state.kubeconfig.exists()]
    usual = [state for state in running if state.path.name == DEFAULT_NAME]
    chosen = usual or running
    return chosen[0].kubeconfig if len(chosen) == 1 else None


def _in_pod() -> Connection | None:
    """The connection of a pod's service account."""
    from wherry.client.kubeconfig import Connection

    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT")
    try:
        if not host or not port:
            return None
        return Connection(
            server=f"https://{f'[{host}]' if ':' in host else host}:{port}",
            namespace=(_ACCOUNT / "namespace").read_text().strip(),
            ca=(_ACCOUNT / "ca.crt").read_bytes(),
            token=(_ACCOUNT / "token").read_text().strip(),
        )
    except FileNotFoundError:
        return None
