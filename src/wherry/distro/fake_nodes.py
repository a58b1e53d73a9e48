"""The nodes of a cluster that only pretend, and the server that answers for all of them."""

from __future__ import annotations

import yaml

from wherry.base.clock import Clock, RealClock
from wherry.client.client import Client
from wherry.distro.config import ClusterConfig
from wherry.distro.control_plane import server_context
from wherry.distro.credentials import KUBELET_CLIENT, Credentials
from wherry.distro.networks import loopback_listener
from wherry.distro.pki import Profile
from wherry.distro.renewal import Renewal, into
from wherry.node.fakes.life import read_rules
from wherry.node.fakes.nodes import TAINT, FakeNode, FakeNodes
from wherry.node.fakes.server import FakeNodeServer
from wherry.node.server.app import only_names

FILE_NAME = "fake-nodes"
CONTROL_PLANE_ROLE = "node-role.kubernetes.io/control-plane"
SERVER_OFFSET = 2500
"""The nodes' server listens so many ports above the API server: below where real nodes of any cluster beside it do."""


def wanted_nodes(config: ClusterConfig) -> list[FakeNode]:
    """With the runtime `fake` the cluster's own nodes; beside real ones, nodes with a taint that keeps real pods away."""
    count = config.nodes if config.runtime == "fake" else 0
    own = [
        FakeNode(name=config.node_name(number), number=number, labels={CONTROL_PLANE_ROLE: ""} if number == 1 else {})
        for number in range(1, count + 1)
    ]
    taints = () if config.runtime == "fake" else (TAINT,)
    beside = [
        FakeNode(name=config.fake_node_name(number), number=count + number, taints=taints)
        for number in range(1, config.fake_nodes + 1)
    ]
    return [*own, *beside]


def open_fake_nodes(
    config: ClusterConfig, credentials: Credentials, *, client: Client, clock: Clock
) -> tuple[FakeNodes, FakeNodeServer, Renewal]:
    """The nodes, their server and what renews its certificate; nothing runs yet. Raises `LifeError`."""
    listening = loopback_listener(config.port + SERVER_OFFSET)
    port = listening.getsockname()[1]
    rules = read_rules(yaml.safe_load(config.fake_stages)) if config.fake_stages else ()
    nodes = FakeNodes(client=client, clock=clock, wanted=wanted_nodes(config), rules=rules, port=port)
    profile = Profile(common_name="system:wherry:fake-nodes", addresses=("127.0.0.1",), server=True)
    tls = server_context(credentials.authority.issue(FILE_NAME, profile), credentials.authority.pair)
    server = FakeNodeServer(
        nodes=nodes,
        authorize=only_names({KUBELET_CLIENT}),
        clock=RealClock(),
        tls=tls,
        sockets=[listening],
    )
    # The machine's clock, as for TLS itself.
    renewal = Renewal(credentials.authority, FILE_NAME, profile, into(tls), clock=RealClock())
    return nodes, server, renewal
