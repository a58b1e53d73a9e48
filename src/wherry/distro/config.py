"""What a cluster is made of, as it is written down in its state directory.

Everything that must stay the same from one start to the next is in `ClusterConfig` (`cluster.json`); what a single start
may choose (`--foreground`, `--wait`) is not.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from wherry.base.files import write_atomic

DEFAULT_NAME = "wherry"
DEFAULT_PORT = 6443
MAX_NODES = 200
MAX_FAKE_NODES = 10_000
MAX_CLUSTERS = 30
FORMAT = 1
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?")

_OWN = re.compile(
    r"cluster\.json|\.cluster\.json\..*|pki|store\.db.*|kubeconfig|\.kubeconfig\..*|wherry\.log|run\.lock|images|nodes"
)
"""The names of what is in a state directory; files are written under a name with a dot first."""

RUNTIMES = ("auto", "oci", "process", "fake")
NO_LOAD_BALANCERS = "none"
NETWORKS = ("namespaces", "loopback", "fake")
PROCESSES = ("one", "many")
CLOCKS = ("real", "virtual")


class ConfigError(Exception):
    """The configuration cannot be used; the message is one line with a way out."""


def home() -> Path:
    """The directory that holds the state of every cluster: one folder each.

    `WHERRY_HOME`, else `/var/lib/wherry` for root, else `$XDG_STATE_HOME/wherry`.
    """
    if explicit := os.environ.get("WHERRY_HOME"):
        return Path(explicit)
    if os.geteuid() == 0 and sys.platform.startswith("linux"):
        return Path("/var/lib/wherry")
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "wherry"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterConfig:
    """One cluster. `index` keeps the networks of clusters on one machine apart.

    `runtime` is what was chosen (`oci`, `process` or `fake`), never `auto`.
    """

    name: str
    index: int
    runtime: str
    port: int
    nodes: int = 1
    memory: bool = False
    processes: str = "one"
    network: str = "namespaces"
    """`namespaces` (root on Linux), `loopback` or `fake`."""
    fake_nodes: int = 0
    """Nodes that only pretend, beside the real ones. With the runtime `fake`, `nodes` are such nodes too."""
    fake_stages: str = ""
    """The rules for the lives of fake pods, as YAML."""
    clock: str = "real"
    """`virtual`: it can be moved ahead."""
    controllers: str = "*"
    """Which controllers run, as in `kube-controller-manager --controllers`."""
    scheduler: bool = True
    leader_elect: bool = False
    api_server: dict[str, str] = field(default_factory=dict)
    """Files and settings of the API server; see `api_server_files`."""
    """Controllers and scheduler work only while they hold their lease, so that others can stand by."""
    format: int = FORMAT
    scheduler_config: str = ""
    """A KubeSchedulerConfiguration as it was given; empty: the defaults."""
    extra: dict[str, str] = field(default_factory=dict)
    load_balancers: str = ""
    """The pool of addresses for load balancers; empty: the cluster's own network for them; `none`: others give them."""

    @property
    def context(self) -> str:
        """The context's name in the kubeconfig: `wherry`, or `wherry-NAME`."""
        return DEFAULT_NAME if self.name == DEFAULT_NAME else f"{DEFAULT_NAME}-{self.name}"

    @property
    def real_nodes(self) -> int:
        """How many nodes have an agent of their own."""
        return 0 if self.runtime == "fake" else self.nodes

    @property
    def pretended_nodes(self) -> int:
        return self.fake_nodes + (self.nodes if self.runtime == "fake" else 0)

    @property
    def service_cidr(self) -> str:
        return f"{127 if self.network == 'loopback' else 10}.{96 + self.index}.0.0/16"

    @property
    def pod_cidr(self) -> str:
        return f"{127 if self.network == 'loopback' else 10}.{244 - self.index}.0.0/16"

    @property
    def load_balancer_pool(self) -> str:
        """Networks and ranges of addresses; empty where others give them."""
        if self.load_balancers:
            return "" if self.load_balancers == NO_LOAD_BALANCERS else self.load_balancers
        return f"{127 if self.network == 'loopback' else 10}.{130 + self.index}.0.0/24"

    @property
    def node_cidr(self) -> str:
        return f"10.{200 + self.index}.0.0/24"

    @property
    def host_address(self) -> str:
        """The host's address on the nodes' network, where nodes and pods find the API server."""
        return "127.0.0.1" if self.network != "namespaces" else _nth(self.node_cidr, 1)

    @property
    def kubernetes_address(self) -> str:
        return _nth(self.service_cidr, 1)

    @property
    def dns_address(self) -> str:
        return _nth(self.service_cidr, 10)

    @property
    def server(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def node_name(self, number: int) -> str:
        """`wherry-1`, or `NAME-1`; numbers start at 1."""
        return f"{self.name}-{number}"

    def fake_node_name(self, number: int) -> str:
        return f"{self.name}-fake-{number}"

    def node_address(self, number: int) -> str:
        return _nth(self.node_cidr, number + 1) if self.network == "namespaces" else "127.0.0.1"

    def node_pod_cidr(self, number: int) -> str:
        network = ipaddress.ip_network(self.pod_cidr)
        return str(next(s for i, s in enumerate(network.subnets(new_prefix=24)) if i == number - 1))


def most_nodes(runtime: str) -> int:
    return MAX_FAKE_NODES if runtime == "fake" else MAX_NODES


def _nth(cidr: str, number: int) -> str:
    return str(ipaddress.ip_network(cidr)[number])


def check_name(name: str) -> str:
    """A name that fits into interface, namespace and host names. Raises `ConfigError`."""
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} cannot be a cluster's name: use at most 20 lower case letters, digits and dashes, "
            "with a letter or digit at both ends"
        )
    return name


@dataclass(frozen=True, slots=True)
class StateDirectory:
    """Where a cluster keeps what must survive. Paths only; nothing is made by asking for one."""

    path: Path

    @property
    def config(self) -> Path:
        return self.path / "cluster.json"

    @property
    def pki(self) -> Path:
        return self.path / "pki"

    @property
    def store(self) -> Path:
        return self.path / "store.db"

    @property
    def kubeconfig(self) -> Path:
        return self.path / "kubeconfig"

    @property
    def log(self) -> Path:
        return self.path / "wherry.log"

    @property
    def lock(self) -> Path:
        return self.path / "run.lock"

    @property
    def images(self) -> Path:
        return self.path / "images"

    @property
    def nodes(self) -> Path:
        return self.path / "nodes"

    def node(self, name: str) -> Path:
        return self.nodes / name

    def node_volumes(self, name: str) -> Path:
        """The directories of persistent volumes of a node."""
        return self.node(name) / "volumes"

    def own(self) -> list[Path]:
        """What is there and was made by Wherry, also what a killed process did not finish writing."""
        return [path for path in self._entries() if _OWN.fullmatch(path.name)]

    def foreign(self) -> list[Path]:
        """What is there and is somebody else's."""
        return [path for path in self._entries() if not _OWN.fullmatch(path.name)]

    def _entries(self) -> list[Path]:
        return sorted(self.path.iterdir()) if self.path.is_dir() else []

    def exists(self) -> bool:
        return self.config.exists()

    def load(self) -> ClusterConfig:
        """The cluster's configuration. Raises `ConfigError` for a directory that is not one of ours."""
        try:
            data = json.loads(self.config.read_bytes())
            if not isinstance(data, dict):
                raise ValueError("not an object")
            if data.get("format") != FORMAT:
                raise ConfigError(
                    f"{self.config} has format {data.get('format')!r}, this Wherry reads {FORMAT}: "
                    f"use the version that made it, or remove the cluster with `wherry down`"
                )
            return _checked(ClusterConfig(**data))
        except FileNotFoundError:
            raise ConfigError(f"no cluster in {self.path}: `wherry up` makes one") from None
        except (ValueError, TypeError) as error:
            raise ConfigError(
                f"{self.config} is damaged ({error}): remove the cluster with `wherry down` and make it anew"
            ) from error

    def save(self, config: ClusterConfig) -> None:
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomic(self.config, json.dumps(dataclasses.asdict(config), indent=2).encode())


def state_directory(name: str, explicit: str | None = None) -> StateDirectory:
    """Resolved, because that is how the kernel names what is mounted below."""
    return StateDirectory((Path(explicit) if explicit else home() / check_name(name)).resolve())


def _checked(config: ClusterConfig) -> ClusterConfig:
    """Raises `TypeError` or `ValueError` for what no Wherry has written."""
    for name, kind in _TYPES.items():
        if type(value := getattr(config, name)) is not kind:
            raise TypeError(f"{name} is {value!r}")
    numbers = (
        0 <= config.index < MAX_CLUSTERS,
        0 < config.port < 65536,
        0 < config.nodes <= most_nodes(config.runtime),
    )
    choices = (
        0 <= config.fake_nodes <= MAX_FAKE_NODES,
        config.clock in CLOCKS,
        config.runtime in RUNTIMES[1:],
        config.network in NETWORKS,
        config.processes in PROCESSES,
    )
    if not all((*numbers, *choices, _NAME.fullmatch(config.name))):
        raise ValueError("a value is out of range")
    return config


_TYPES = {
    **dict.fromkeys(
        (
            "name",
            "runtime",
            "processes",
            "network",
            "clock",
            "controllers",
            "fake_stages",
            "scheduler_config",
            "load_balancers",
        ),
        str,
    ),
    **dict.fromkeys(("index", "port", "nodes", "fake_nodes", "format"), int),
    **dict.fromkeys(("memory", "scheduler", "leader_elect"), bool),
    "extra": dict,
    "api_server": dict,
}


def all_state_directories() -> list[StateDirectory]:
    """Every cluster below `home()`, by name."""
    base = home()
    found = sorted(base.iterdir()) if base.is_dir() else []
    return [state for path in found if (state := StateDirectory(path)).exists()]


def readable_configs() -> Iterator[tuple[StateDirectory, ClusterConfig]]:
    """Every cluster below `home()` but those whose configuration is damaged or of another version."""
    for state in all_state_directories():
        try:
            yield state, state.load()
        except ConfigError:
            continue
