"""Who is who in a cluster: the certificates of its parts, as files, and their identities inside one process."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from wherry.apiserver.aggregation.identity import CLIENT_NAME, FrontProxy
from wherry.base.clock import Clock
from wherry.distro.config import ClusterConfig, StateDirectory
from wherry.distro.pki import Authority, KeyPair, Profile, ensure_signing_key

CONTROLLER_MANAGER = "system:kube-controller-manager"
SCHEDULER = "system:kube-scheduler"
PROXY = "system:kube-proxy"
DNS = "system:wherry:dns"
FAKE_NODES_USER = "system:wherry:fake-nodes"
KUBELET_CLIENT = "kube-apiserver-kubelet-client"
SERVER_FILE, KUBELET_CLIENT_FILE = "apiserver", "apiserver-kubelet-client"
KUBELET_CLIENT_PROFILE = Profile(common_name=KUBELET_CLIENT, organizations=("system:masters",), client=True)
FRONT_PROXY_PROFILE = Profile(common_name=CLIENT_NAME, client=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What the API server needs to serve and to be known. PEM bytes, or paths where OpenSSL wants files."""

    authority: Authority
    front_authority: Authority
    """Of the front proxy alone: extension API servers believe what its holders say of users."""
    ca: bytes
    server: KeyPair
    kubelet_client: KeyPair
    front_proxy: FrontProxy
    signing_key: bytes


def ensure(state: StateDirectory, config: ClusterConfig, clock: Clock) -> Credentials:
    """Load the cluster's certificates, making those that are missing, expiring or do not fit any more."""
    authority = Authority(state.pki, clock=clock)
    ca = authority.ensure()
    front = Authority(state.pki / "front-proxy", clock=clock, name="wherry-front-proxy-ca")
    front_ca = front.ensure().decode()
    front_pair = front.issue(CLIENT_NAME, FRONT_PROXY_PROFILE)
    return Credentials(
        authority=authority,
        front_authority=front,
        ca=ca,
        server=authority.issue(SERVER_FILE, server_profile(config)),
        kubelet_client=authority.issue(KUBELET_CLIENT_FILE, KUBELET_CLIENT_PROFILE),
        front_proxy=FrontProxy(ca=front_ca, certificate=front_pair.certificate, key=front_pair.key),
        signing_key=ensure_signing_key(state.pki / "sa.key"),
    )


def server_profile(config: ClusterConfig) -> Profile:
    """The API server's names: the Service's, this machine's, and loopback."""
    service = "kubernetes.default.svc"
    names = ["localhost", "kubernetes", "kubernetes.default", service, f"{service}.cluster.local"]
    host = socket.gethostname()
    addresses = dict.fromkeys(["127.0.0.1", "::1", config.host_address, config.kubernetes_address])
    return Profile(
        common_name="kube-apiserver",
        dns_names=tuple(dict.fromkeys([*names, host] if _is_dns_name(host) else names)),
        addresses=tuple(addresses),
        server=True,
    )


def serving_profile(name: str, addresses: tuple[str, ...]) -> Profile:
    """The certificate with which a node serves logs and exec, at the addresses that it tells and no other."""
    return Profile(
        common_name=f"system:node:{name}",
        organizations=("system:nodes",),
        dns_names=(name,),
        addresses=addresses,
        server=True,
    )


def _is_dns_name(text: str) -> bool:
    return text.isascii() and 0 < len(text) < 64 and all(part for part in text.split("."))
