"""From a cluster's name, or from the user's kubeconfig, to a client."""

from __future__ import annotations

from collections.abc import Callable

from wherry.base.clock import Clock
from wherry.client import kubeconfig
from wherry.client.client import Client
from wherry.client.http_transport import HttpTransport


def client_for(name: str, *, clock: Clock) -> Client:
    """A client for a cluster of this machine, as its administrator. Raises `ConfigError`."""
    from wherry.distro.lifecycle import find

    state = find(name)
    return client_of(kubeconfig.connection(kubeconfig.load([state.kubeconfig])), clock=clock)


def client_of(
    connection: kubeconfig.Connection, *, clock: Clock, on_warning: Callable[[str], None] | None = None
) -> Client:
    """A client for what a kubeconfig says; `on_warning` gets each of the server's warnings."""
    transport = HttpTransport.of(connection, clock=clock)
    return Client(transport, clock=clock, user_agent="wherry", on_warning=on_warning)
