"""The certificates, keys and tokens of a test cluster, made once and shared by all its forks.

They are valid by the machine's clock, whatever the cluster's own shows: TLS and clients look at no other.
"""

from __future__ import annotations

import base64
import os
import secrets
import ssl
from dataclasses import dataclass
from pathlib import Path

import orjson

from wherry.base.clock import RealClock
from wherry.distro.pki import Authority, KeyPair, Profile, ensure_signing_key
from wherry.wire.tls import server_context

_SERVER = Profile(
    common_name="kube-apiserver",
    dns_names=("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"),
    addresses=("127.0.0.1", "10.96.0.1"),
    server=True,
)
_ADMIN = Profile(common_name="kubernetes-admin", organizations=("system:masters",), client=True)
CONTEXT = "wherry-test"


@dataclass(frozen=True, slots=True)
class Keys:
    """`token` and `admin` make their bearer the administrator."""

    ca: Path
    ca_pem: str
    admin: KeyPair
    token: str
    signing_key: bytes
    tls: ssl.SSLContext

    def write_kubeconfig(self, path: Path, url: str) -> None:
        """A kubeconfig with everything inside, readable by its owner only. As JSON, which is YAML and quicker to make."""

        def encoded(file: Path) -> str:
            return base64.b64encode(file.read_bytes()).decode()

        user = {
            "client-certificate-data": encoded(self.admin.certificate),
            "client-key-data": encoded(self.admin.key),
        }
        cluster = {"server": url, "certificate-authority-data": encoded(self.ca)}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": CONTEXT, "cluster": cluster}],
            "users": [{"name": CONTEXT, "user": user}],
            "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT}}],
            "current-context": CONTEXT,
        }
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(orjson.dumps(document, option=orjson.OPT_INDENT_2))


def make_keys(directory: Path) -> Keys:
    authority = Authority(directory, clock=RealClock(), name="wherry-test-ca")
    ca_pem = authority.ensure().decode()
    server = authority.issue("apiserver", _SERVER)
    return Keys(
        ca=authority.pair.certificate,
        ca_pem=ca_pem,
        admin=authority.issue("admin", _ADMIN),
        token=secrets.token_hex(16),
        signing_key=ensure_signing_key(directory / "sa.key"),
        tls=server_context(server.certificate, server.key, client_ca=authority.pair.certificate),
    )
