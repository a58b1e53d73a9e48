"""From nothing to a configured cluster and back: choosing what `auto` means, and what may differ from what is there."""

from __future__ import annotations

import dataclasses
import ipaddress
import os
import shutil
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from wherry.base.address_pool import parse_pool
from wherry.distro import daemon, machine
from wherry.distro.config import (
    DEFAULT_NAME,
    DEFAULT_PORT,
    MAX_CLUSTERS,
    MAX_FAKE_NODES,
    NO_LOAD_BALANCERS,
    RUNTIMES,
    ClusterConfig,
    ConfigError,
    StateDirectory,
    all_state_directories,
    check_name,
    home,
    most_nodes,
    readable_configs,
    state_directory,
)
from wherry.node.volumes.mount_calls import mounts_below

_LISTENING = "0A"
"""The state of a socket in /proc/net/tcp."""
_MAY_CHANGE = (
    "nodes", "port", "processes", "fake_nodes", "fake_stages", "controllers", "scheduler", "leader_elect",
    "scheduler_config", "api_server", "load_balancers",
)  # fmt: skip
"""What may be different at the next start."""
_NETWORK_OF_RUNTIME = {"oci": "namespaces", "process": "loopback", "fake": "fake"}


@dataclass(frozen=True, slots=True, kw_only=True)
class UpOptions:
    """What the user asked for; None is what is there, or the default."""

    name: str = DEFAULT_NAME
    nodes: int | None = None
    runtime: str = "auto"
    state_dir: str | None = None
    port: int | None = None
    memory: bool = False
    processes: str | None = None
    fake_nodes: int | None = None
    fake_stages: str | None = None
    scheduler_config: str | None = None
    """The text of a file of rules."""
    clock: str | None = None
    controllers: str | None = None
    scheduler: bool | None = None
    leader_elect: bool | None = None
    api_server: dict[str, str] | None = None
    """From `--config`; see `api_server_files`."""
    load_balancers: str | None = None


def prepare(options: UpOptions) -> tuple[StateDirectory, ClusterConfig, bool]:
    """The cluster to start: loaded if it exists, else made. The flag tells whether it is new. Raises `ConfigError`."""
    _check(options)
    state = state_directory(options.name, options.state_dir)
    if state.exists():
        before = state.load()
        config = _adjust(before, options)
        if config != before:
            _check_change(state, before, config)
            state.save(config)
        return state, config, False
    if state.foreign():
        raise ConfigError(f"{state.path} is not empty and holds no cluster: choose another directory with --state-dir")
    config = _create(options)
    try:
        state.save(config)
        _register(state, config.name)
    except OSError as error:
        raise ConfigError(
            f"cannot write to {state.path}: {error.strerror}; choose another place with --state-dir"
        ) from error
    return state, config, True


def _check(options: UpOptions) -> None:
    check_name(options.name)
    if options.runtime not in RUNTIMES:
        raise ConfigError(f"unknown runtime {options.runtime!r}: choose one of {', '.join(RUNTIMES)}")
    most = most_nodes("fake" if options.clock == "virtual" else options.runtime)
    if options.nodes is not None and not 1 <= options.nodes <= most:
        more = f"; with --runtime fake, or --fake-nodes, up to {MAX_FAKE_NODES}" if most != MAX_FAKE_NODES else ""
        raise ConfigError(f"--nodes {options.nodes}: a cluster has 1 to {most} nodes{more}")
    if options.fake_nodes is not None and not 0 <= options.fake_nodes <= MAX_FAKE_NODES:
        raise ConfigError(f"--fake-nodes {options.fake_nodes}: there can be 0 to {MAX_FAKE_NODES}")
    if options.clock == "virtual" and options.processes == "many":
        raise ConfigError("--clock virtual needs all parts in one process: leave --processes out")
    _check_parts(options)
    _check_scheduler_config(options.scheduler_config)
    _check_load_balancers(options.load_balancers)
    if options.port is not None and not 1 <= options.port <= 65535:
        raise ConfigError(f"--port {options.port} is not a TCP port")


def _check_parts(options: UpOptions) -> None:
    """Raises `ConfigError` for names of controllers and rules for fake pods that mean nothing."""
    if options.controllers is not None:
        from wherry.controllers.names import UnknownController, selected

        try:
            selected(options.controllers)
        except UnknownController as error:
            raise ConfigError(f"--controllers {options.controllers}: {error}") from error
    if options.fake_stages is not None:
        import yaml

        from wherry.node.fakes.life import LifeError, read_rules

        try:
            read_rules(yaml.safe_load(options.fake_stages))
        except (LifeError, yaml.YAMLError) as error:
            raise ConfigError(f"--fake-stages: {error}") from error


def _check_scheduler_config(text: str | None) -> None:
    """Raises `ConfigError` for a scheduler's configuration that cannot be used."""
    if not text:
        return
    from wherry.scheduler.configuration.model import SchedulerConfigError
    from wherry.scheduler.configuration.reading import read_config

    try:
        read_config(text)
    except SchedulerConfigError as error:
        raise ConfigError(f"--scheduler-config: {error}") from error


def _check_load_balancers(text: str | None) -> None:
    """Raises `ConfigError` for a pool that cannot be read."""
    if not text or text == NO_LOAD_BALANCERS:
        return
    try:
        parse_pool(text)
    except ValueError as error:
        raise ConfigError(f"--load-balancers: {error}") from error


def _adjust(config: ClusterConfig, options: UpOptions) -> ClusterConfig:
    """The stored configuration with what may change applied. Raises `ConfigError` for what may not."""
    if options.runtime not in ("auto", config.runtime):
        raise ConfigError(
            f"cluster {config.name} was made with --runtime {config.runtime}: "
            f"remove it first with `wherry down {config.name}`, or give another name"
        )
    if options.memory and not config.memory:
        raise ConfigError(f"cluster {config.name} keeps its state on disk: remove it first with `wherry down`")
    if options.clock not in (None, config.clock):
        raise ConfigError(
            f"cluster {config.name} was made with --clock {config.clock}: "
            f"remove it first with `wherry down {config.name}`, or give another name"
        )
    asked = {name: value for name in _MAY_CHANGE if (value := getattr(options, name)) is not None}
    changed = dataclasses.replace(config, **asked)
    if changed.nodes > (most := most_nodes(config.runtime)):
        raise ConfigError(f"--nodes {changed.nodes}: cluster {config.name} can have {most} nodes")
    return changed


def _check_change(state: StateDirectory, before: ClusterConfig, after: ClusterConfig) -> None:
    """What a running cluster was started with stays true while it runs. Raises `ConfigError`."""
    if daemon.running_pid(state):
        raise ConfigError(
            f"cluster {before.name} is running with {before.nodes} nodes at port {before.port}: "
            f"to change that, stop it first with `wherry stop {before.name}`"
        )
    if after.port != before.port:
        choose_port(after.port, set())


def _create(options: UpOptions) -> ClusterConfig:
    others = [config for _, config in readable_configs()]
    virtual = options.clock == "virtual"
    runtime = options.runtime if options.runtime != "auto" else ("fake" if virtual else choose_runtime())
    if virtual and runtime != "fake":
        raise ConfigError(f"--clock virtual needs --runtime fake: real containers ({runtime}) live in real time")
    if runtime == "oci" and (lacks := machine.lacks_for_containers()):
        first = lacks[0]
        raise ConfigError(f"--runtime oci needs {first.name} ({first.found}): {first.remedy}, or use --runtime process")
    return ClusterConfig(
        name=options.name,
        index=free_index(others),
        runtime=runtime,
        network=_NETWORK_OF_RUNTIME[runtime],
        port=choose_port(options.port, {other.port for other in others}),
        nodes=options.nodes or 1,
        # A virtual clock waits for work to end, and cannot see what a disk is doing.
        memory=options.memory or virtual,
        processes=options.processes or "one",
        fake_nodes=options.fake_nodes or 0,
        fake_stages=options.fake_stages or "",
        scheduler_config=options.scheduler_config or "",
        clock=options.clock or "real",
        controllers="*" if options.controllers is None else options.controllers,
        scheduler=options.scheduler is not False,
        leader_elect=bool(options.leader_elect),
        api_server=options.api_server or {},
        load_balancers=options.load_balancers or "",
    )


def choose_runtime() -> str:
    """`oci` where the machine can, else `process`."""
    return "process" if machine.lacks_for_containers() else "oci"


def choose_port(wanted: int | None, taken: set[int]) -> int:
    """The wanted port, or the first free one from 6443 on. Raises `ConfigError` if the wanted one is in use."""
    if wanted is not None:
        if machine.port_in_use(wanted):
            raise ConfigError(f"port {wanted} is in use: choose another with --port")
        return wanted
    for port in range(DEFAULT_PORT, DEFAULT_PORT + 100):
        if port not in taken and not machine.port_in_use(port):
            return port
    raise ConfigError(f"no free port from {DEFAULT_PORT} to {DEFAULT_PORT + 99}: choose one with --port")


def free_index(others: Iterable[ClusterConfig]) -> int:
    """The first index that no other cluster has, and whose networks nobody on this machine uses as far as it shows.

    Clusters of other users (or with another `WHERRY_HOME`) show by the host's routes, or by who listens.
    """
    used = {other.index for other in others}
    taken = [*host_routes(), *listeners()]
    for index in range(MAX_CLUSTERS):
        if index not in used and not any(one.overlaps(network) for one in taken for network in _networks(index)):
            return index
    raise ConfigError(f"{MAX_CLUSTERS} clusters, or routes to their networks, are here already: remove one")


def _networks(index: int) -> list[ipaddress.IPv4Network]:
    """What a cluster of this index may use, whatever its kind."""
    kinds = [ClusterConfig(name="x", index=index, runtime="oci", port=0, network=n) for n in ("namespaces", "loopback")]
    cidrs = {
        cidr for kind in kinds for cidr in (kind.service_cidr, kind.pod_cidr, kind.node_cidr, kind.load_balancer_pool)
    }
    return [ipaddress.IPv4Network(cidr) for cidr in cidrs]


def host_routes() -> Iterable[ipaddress.IPv4Network]:
    """The host's IPv4 routes, the default route left out; nothing where /proc does not tell."""
    for fields in _lines("/proc/net/route"):
        destination, mask = _address(fields[1]), _address(fields[7])
        if destination != "0.0.0.0":
            yield ipaddress.IPv4Network(f"{destination}/{mask}", strict=False)


def listeners() -> Iterable[ipaddress.IPv4Network]:
    """The IPv4 addresses that somebody on this machine listens at; nothing where /proc does not tell."""
    for fields in _lines("/proc/net/tcp"):
        if fields[3] == _LISTENING:
            yield ipaddress.IPv4Network(_address(fields[1].partition(":")[0]))


def _lines(path: str) -> Iterable[list[str]]:
    """A table of the kernel without its first line; nothing where there is none."""
    try:
        return [line.split() for line in Path(path).read_text().splitlines()[1:]]
    except OSError:
        return []


def _address(hexadecimal: str) -> str:
    """As the kernel writes it: in the machine's own order of bytes."""
    return socket.inet_ntoa(struct.pack("=L", int(hexadecimal, 16)))


def _register(state: StateDirectory, name: str) -> None:
    """Make a cluster with its own state directory known to `wherry list`."""
    link = home() / name
    if link.resolve() == state.path:
        return
    link.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if link.is_symlink() or not link.exists():
        link.unlink(missing_ok=True)
        link.symlink_to(state.path, target_is_directory=True)
    else:
        raise ConfigError(f"there is another cluster {name} in {link}: choose another name")


def find(name: str, state_dir: str | None = None) -> StateDirectory:
    """The state of a cluster that exists. Raises `ConfigError`."""
    state = state_directory(name, state_dir)
    if not state.exists():
        names = ", ".join(s.path.name for s in all_state_directories())
        hint = f"there are: {names}" if names else "`wherry up` makes one"
        raise ConfigError(f"no cluster {name!r}: {hint}")
    return state


def forget(state: StateDirectory, name: str) -> None:
    """Remove what Wherry made in the state directory, and what points to it; somebody else's files stay.

    `cluster.json` goes last: whenever this is interrupted, the cluster is still one that can be removed. Raises
    `ConfigError` when something is still mounted there: removing would reach through to what is mounted.
    """
    if mounted := [place for place in mounts_below(state.path) if place != str(state.path)]:
        raise ConfigError(f"{mounted[0]} is still mounted: unmount it (umount -l), then run this again")
    for path in sorted(state.own(), key=lambda path: path == state.config):
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    if state.path.is_dir() and not state.foreign() and not state.path.is_mount():
        state.path.rmdir()
    link = home() / name
    if link.is_symlink():
        link.unlink()
    try:
        os.rmdir(home())
    except OSError:
        pass  # other clusters are there, or it was never made
