"""An API server in the test's process, over a store in memory, with the objects that every cluster starts with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson

from wherry.apiserver.admission.builtin import RULES, SERVICE_ACCOUNT
from wherry.apiserver.app import ApiServer
from wherry.base.clock import Clock
from wherry.base.fake_clock import FakeClock
from wherry.client.client import Client
from wherry.client.in_process import InProcessTransport
from wherry.policy.user import AUTHENTICATED, MASTERS, User
from wherry.store.memory import open_memory
from wherry.store.port import Store

ADMIN = User("kubernetes-admin", (MASTERS, AUTHENTICATED))


def client_of(server: ApiServer, *, clock: Clock, user: User = ADMIN, user_agent: str = "wherry-test") -> Client:
    """A client that calls the server's handler directly, as that user."""
    return Client(InProcessTransport(server.handle, user=user), clock=clock, user_agent=user_agent)


@asynccontextmanager
async def in_process_server(
    *, clock: Clock | None = None, store: Store | None = None, service_accounts: bool = False, **options: Any
) -> AsyncIterator[ApiServer]:
    """A started server. `options` go to `ApiServer`; a store that is given stays open.

    Without `service_accounts`, pods need no service account and get no token, so that tests can make pods without the
    controller that makes the accounts. At the end nobody may have changed an object that is shared.
    """
    if not service_accounts:
        options.setdefault("admission", [rule for rule in RULES if rule is not SERVICE_ACCOUNT])
    own = store is None
    used = store or open_memory()
    try:
        server = ApiServer(store=used, clock=clock or FakeClock(), **options)
        try:
            await server.start()
            yield server
            check_shared_objects(used)
        finally:
            await server.aclose()
    finally:
        if own:
            await used.close()


def check_shared_objects(store: Store) -> None:
    """Raises `AssertionError` where a decoded object is no longer what is stored: somebody changed what is everybody's."""
    for entry in store.range("/registry/").entries:
        assert entry.memo is None or entry.memo == orjson.loads(entry.value), f"{entry.key}: changed in memory"
