"""The control plane of one machine: the store, the API server over it, and its TLS port."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.api.schema import definitions
from wherry.apiserver.aggregation.identity import CLIENT_NAME
from wherry.apiserver.app import ApiServer
from wherry.apiserver.config import ServerConfig
from wherry.apiserver.proxying.stages import proxy_stages
from wherry.apiserver.resourcemetrics.api import ResourceMetrics
from wherry.apiserver.resourcemetrics.fetching import NodeFetch
from wherry.apiserver.serving import wire_options
from wherry.apiserver.streaming.stages import pod_stream_stages
from wherry.base.clock import Clock, RealClock
from wherry.base.log import Logger
from wherry.base.tasks import cancel_and_wait
from wherry.client.client import Client
from wherry.client.http_transport import HttpTransport
from wherry.client.in_process import InProcessTransport
from wherry.client.request_counts import RequestCounts
from wherry.distro.api_server_files import server_options
from wherry.distro.config import ClusterConfig, StateDirectory
from wherry.distro.credentials import (
    FRONT_PROXY_PROFILE,
    KUBELET_CLIENT_FILE,
    KUBELET_CLIENT_PROFILE,
    SERVER_FILE,
    Credentials,
    server_profile,
)
from wherry.distro.machine import disk_is_full
from wherry.distro.pki import KeyPair
from wherry.distro.renewal import Renewal, into
from wherry.policy.user import AUTHENTICATED, User
from wherry.store.compactor import Compactor
from wherry.store.memory import open_memory
from wherry.store.port import Seal, Store, StoreDamaged, StoreError
from wherry.store.sqlite.store import open_sqlite
from wherry.wire.client import HttpClient
from wherry.wire.listen import listen
from wherry.wire.server import Server, serve

if TYPE_CHECKING:
    from wherry.apiserver.encryption.sealing import Sealing

GRACE_SECONDS = 3.0
"""For requests that are under way when the port closes."""

ClientOf = Callable[[str, tuple[str, ...]], Client]
"""Makes a client for a part of the cluster: user name and groups."""


_CIPHERTEXT = b"k8s:enc:"


Say = Callable[[str], None]
"""Tells people one line about the start."""


async def open_store(
    state: StateDirectory, config: ClusterConfig, seal: Seal | None = None, *, say: Say = lambda line: None
) -> Store:
    """The store that the configuration asks for; a damaged one is repaired, which is said.

    Raises `StoreError` in one clear line.
    """
    if config.memory:
        return open_memory()
    try:
        store = await open_sqlite(state.store, seal=seal)
    except StoreDamaged as damage:
        await _repair(state.store, damage, say)
        store = await open_sqlite(state.store, seal=seal)
    if disk_is_full(state.path):
        say(f"the disk of {state.path} is full: what is there can be read, writes are refused until there is room")
    if seal is None and any(entry.value.startswith(_CIPHERTEXT) for entry in store.range("/registry/").entries):
        await store.close()
        raise StoreError(
            f"{state.store} holds encrypted objects: start with --config and an encryptionConfig that has their keys"
        )
    return store


async def _repair(path: Path, damage: StoreDamaged, say: Say) -> None:
    from wherry.store.sqlite.repair import repair

    done = await asyncio.to_thread(repair, path, damage, now=RealClock().now())
    Logger("store").warning(str(done))
    say(str(done))


def encryption(config: ClusterConfig, clock: Clock) -> Sealing | None:
    """By the cluster's EncryptionConfiguration, if it has one. Raises `ConfigurationError`."""
    path = config.api_server.get("encryptionConfig")
    if path is None:
        return None
    from wherry.apiserver.encryption.sealing import Sealing

    return Sealing(Path(path), clock=clock, log=Logger("encryption"))


@dataclass(slots=True)
class ControlPlane:
    """A running API server. `run` keeps house until cancelled, then closes the port and the store."""

    store: Store
    api: ApiServer
    port: Server
    nodes: HttpClient
    """The API server's connections to the nodes."""
    clock: Clock
    usage: ResourceMetrics
    """What nodes and pods use, as `metrics.k8s.io`."""
    shutdown_delay: float = 0.0
    """Seconds to go on answering while `/readyz` says no, for load balancers in front."""
    sealing: Sealing | None = None
    """Encryption at rest, which follows its configuration file."""
    counts: RequestCounts = field(default_factory=lambda: RequestCounts("localhost"))
    """Of the clients in this process."""
    renewals: tuple[Renewal, ...] = ()
    """Of its own certificates."""

    def client(self, name: str, groups: tuple[str, ...] = (), *, agent: str = "") -> Client:
        """A client in this process, as that user: no socket, no TLS. `agent` is its user agent, if not its name."""
        user = User(name, (*groups, AUTHENTICATED))
        return Client(
            InProcessTransport(self.api.handle, user=user),
            clock=self.clock,
            user_agent=agent or name,
            counts=self.counts,
        )

    async def run(self) -> None:
        house = asyncio.ensure_future(self._keep_house())
        try:
            await asyncio.shield(house)
        finally:
            await self._drain()
            await cancel_and_wait(house)
            await self.nodes.aclose()
            await self.store.close()

    async def _keep_house(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(Compactor(self.store, clock=self.clock).run())
            group.create_task(self.api.run())
            group.create_task(self.usage.scraper.run())
            for renewal in self.renewals:
                group.create_task(renewal.run())
            if self.sealing is not None:
                group.create_task(self.sealing.run())

    async def _drain(self) -> None:
        """Not ready first; then no new connections, an end for every watch, and time for what is under way."""
        self.api.begin_shutdown()
        self.port.drain()
        if self.shutdown_delay:
            await self.clock.sleep(self.shutdown_delay)
        await self.port.close(grace_seconds=GRACE_SECONDS)


async def open_control_plane(
    state: StateDirectory,
    config: ClusterConfig,
    credentials: Credentials,
    clock: Clock,
    *,
    say: Say = lambda line: None,
) -> ControlPlane:
    """Open the store, start the API server and listen. Raises `StoreError`, `BindFailed`."""
    definitions.require()
    sealing = encryption(config, clock)
    store = await open_store(state, config, sealing, say=say)
    try:
        nodes = HttpClient(clock=RealClock())
        towards_nodes = kubelet_context(credentials)
        usage = ResourceMetrics(store=store, fetch=NodeFetch(http=nodes, tls=towards_nodes), clock=clock)
        api = ApiServer(
            store=store,
            clock=clock,
            config=server_config(config, credentials),
            http=nodes,
            aggregated=(usage.api,),
            connect={
                **pod_stream_stages(http=nodes, tls=towards_nodes),
                **proxy_stages(http=nodes, tls=towards_nodes),
            },
        )
        await api.start()
        hosts = list(dict.fromkeys(["127.0.0.1", config.host_address]))
        own = server_context(
            credentials.server, credentials.authority.pair, config.api_server.get("requestHeaderClientCA", "")
        )
        # Connections live in real time, whatever the cluster's clock does.
        port = await serve(
            api.handle,
            sockets=listen(hosts, config.port),
            tls=own,
            options=wire_options(),
            clock=RealClock(),
        )
    except BaseException:
        await store.close()
        raise
    renewals = renewals_of(config, credentials, own, towards_nodes, clock)
    counts = RequestCounts(f"127.0.0.1:{config.port}")
    api.parts.metrics.add(counts.lines)
    return ControlPlane(store, api, port, nodes, clock, usage, sealing=sealing, counts=counts, renewals=renewals)


def renewals_of(
    config: ClusterConfig, credentials: Credentials, own: ssl.SSLContext, towards_nodes: ssl.SSLContext, clock: Clock
) -> tuple[Renewal, ...]:
    """Of the certificates that the API server shows. TLS knows no virtual time: such clusters keep what they have."""
    if config.clock == "virtual":
        return ()
    authority = credentials.authority
    return (
        Renewal(authority, SERVER_FILE, server_profile(config), into(own), clock=clock),
        Renewal(authority, KUBELET_CLIENT_FILE, KUBELET_CLIENT_PROFILE, into(towards_nodes), clock=clock),
        # Connections to extension API servers look at the file themselves.
        Renewal(credentials.front_authority, CLIENT_NAME, FRONT_PROXY_PROFILE, lambda pair: None, clock=clock),
    )


def server_config(config: ClusterConfig, credentials: Credentials) -> ServerConfig:
    return ServerConfig(
        advertise_address=config.host_address,
        advertise_port=config.port,
        service_cidr=config.service_cidr,
        loopback_endpoints=config.network == "loopback",
        service_account_key=credentials.signing_key,
        client_ca=credentials.ca.decode(),
        front_proxy=credentials.front_proxy,
        rbac=True,
        **server_options(config.api_server),
    )


def server_context(pair: KeyPair, authority: KeyPair, proxies: str = "") -> ssl.SSLContext:
    """TLS that asks for a client certificate of the authority (or of that of `proxies`), and goes on without one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(pair.certificate, pair.key)
    context.load_verify_locations(authority.certificate)
    if proxies:
        context.load_verify_locations(proxies)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.set_alpn_protocols(["http/1.1"])
    return context


def kubelet_context(credentials: Credentials) -> ssl.SSLContext:
    """TLS towards the nodes: the API server's own certificate, the nodes' names as the cluster's authority signed them."""
    context = ssl.create_default_context(cafile=str(credentials.authority.pair.certificate))
    context.load_cert_chain(credentials.kubelet_client.certificate, credentials.kubelet_client.key)
    return context


def remote_client(config: ClusterConfig, tls: ssl.SSLContext, name: str, clock: Clock) -> Client:
    """A client over TLS, for parts in processes of their own."""
    return Client(HttpTransport(config.server, tls=tls, clock=clock), clock=clock, user_agent=name)
