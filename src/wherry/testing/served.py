"""An API server over TLS on a port of its own, with certificates, RBAC and a kubeconfig: for kubectl and load."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from wherry.apiserver.app import ApiServer
from wherry.apiserver.config import ServerConfig
from wherry.apiserver.serving import wire_options
from wherry.base.clock import Clock, RealClock
from wherry.distro.pki import Authority, KeyPair, Profile, ensure_signing_key
from wherry.store.memory import open_memory
from wherry.store.port import Store
from wherry.wire.listen import listen
from wherry.wire.server import serve
from wherry.wire.tls import server_context


@dataclass(frozen=True, slots=True)
class Served:
    """A running server; `kubeconfig` is a file that makes its reader the administrator."""

    server: ApiServer
    url: str
    kubeconfig: Path
    authority: Authority
    admin: KeyPair


@asynccontextmanager
async def served(
    directory: Path, *, clock: Clock | None = None, store: Store | None = None, **options: Any
) -> AsyncIterator[Served]:
    """Serve until the block ends; keys and kubeconfig are written below `directory`."""
    clock = clock or RealClock()
    authority = Authority(directory / "pki", clock=clock)
    authority.ensure()
    profile = Profile(common_name="kube-apiserver", dns_names=("localhost",), addresses=("127.0.0.1",), server=True)
    pair = authority.issue("apiserver", profile)
    admin = authority.issue("admin", Profile(common_name="admin", organizations=("system:masters",), client=True))
    sockets = listen(("127.0.0.1",), 0)
    port: int = sockets[0].getsockname()[1]
    key = ensure_signing_key(directory / "pki" / "sa.key")
    config = ServerConfig(rbac=True, advertise_port=port, service_account_key=key)
    used = store or open_memory()
    server = ApiServer(store=used, clock=clock, config=options.pop("config", config), **options)
    await server.start()
    tls = server_context(pair.certificate, pair.key, client_ca=authority.pair.certificate)
    http = await serve(server.handle, sockets=sockets, tls=tls, options=wire_options(), clock=clock)
    url = f"https://127.0.0.1:{port}"
    try:
        yield Served(server, url, _kubeconfig(directory, url, authority, admin), authority, admin)
    finally:
        await http.close(grace_seconds=0.5)
        if store is None:
            await used.close()


def _kubeconfig(directory: Path, url: str, authority: Authority, admin: KeyPair) -> Path:
    path = directory / "kubeconfig"
    cluster = {"server": url, "certificate-authority": str(authority.pair.certificate)}
    user = {"client-certificate": str(admin.certificate), "client-key": str(admin.key)}
    path.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "test", "cluster": cluster}],
                "users": [{"name": "test", "user": user}],
                "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
                "current-context": "test",
            }
        )
    )
    return path
