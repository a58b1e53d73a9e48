import ipaddress
import json
import shutil
import socket
from pathlib import Path

import pytest

from wherry.distro import daemon
from wherry.distro.config import ClusterConfig, ConfigError, StateDirectory
from wherry.distro.lifecycle import UpOptions, find, forget, free_index, prepare
from wherry.distro.teardown import remove


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WHERRY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    return tmp_path / "home"


def test_a_second_start_finds_what_the_first_one_chose() -> None:
    _, first, new = prepare(UpOptions(runtime="fake", nodes=2))
    _, second, again = prepare(UpOptions())
    assert (new, again) == (True, False)
    assert first == second


def test_clusters_side_by_side_get_networks_and_ports_of_their_own() -> None:
    _, one, _ = prepare(UpOptions(name="one", runtime="fake"))
    _, two, _ = prepare(UpOptions(name="two", runtime="fake"))
    assert one.port != two.port
    assert not {one.service_cidr, one.pod_cidr, one.node_cidr} & {two.service_cidr, two.pod_cidr, two.node_cidr}


def test_networks_of_all_indexes_are_apart() -> None:
    configs = [ClusterConfig(name="x", index=i, runtime="oci", port=1) for i in range(30)]
    cidrs = [cidr for c in configs for cidr in (c.service_cidr, c.pod_cidr, c.node_cidr)]
    assert len(set(cidrs)) == len(cidrs)
    assert free_index(configs[:3]) >= 3


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="the kernel does not tell who listens")
def test_the_loopback_networks_of_somebody_elses_cluster_are_left_to_it() -> None:
    index = free_index([])
    service_network = ClusterConfig(name="x", index=index, runtime="process", network="loopback", port=1).service_cidr
    with socket.socket() as listener:
        listener.bind((str(ipaddress.ip_network(service_network)[10]), 0))
        listener.listen()
        assert free_index([]) > index


@pytest.mark.parametrize(
    "options, words",
    [
        (UpOptions(name="Not_Good"), "cannot be a cluster's name"),
        (UpOptions(runtime="docker"), "choose one of auto, oci, process, fake"),
        (UpOptions(nodes=0), "1 to 200 nodes"),
        (UpOptions(port=70000), "not a TCP port"),
    ],
)
def test_a_wrong_wish_is_answered_in_one_line_with_a_way_out(options: UpOptions, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        prepare(options)
    assert "\n" not in str(caught.value)


def test_a_port_in_use_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port} is in use: choose another with --port"):
            prepare(UpOptions(runtime="fake", port=port))


def test_a_port_in_use_is_said_for_a_cluster_that_is_there_too() -> None:
    state, before, _ = prepare(UpOptions(runtime="fake"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ConfigError, match="is in use"):
            prepare(UpOptions(port=taken.getsockname()[1]))
    assert state.load() == before


def test_a_running_cluster_is_not_changed() -> None:
    state, before, _ = prepare(UpOptions(runtime="fake", nodes=2))
    with daemon.hold(state):
        assert prepare(UpOptions(nodes=2))[1] == before
        with pytest.raises(ConfigError, match="wherry stop"):
            prepare(UpOptions(nodes=3))
    assert state.load() == before
    assert prepare(UpOptions(nodes=3))[1].nodes == 3


def test_another_runtime_needs_another_cluster() -> None:
    prepare(UpOptions(runtime="fake"))
    with pytest.raises(ConfigError, match="made with --runtime fake"):
        prepare(UpOptions(runtime="process"))


def test_a_directory_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigError, match="is not empty and holds no cluster"):
        prepare(UpOptions(runtime="fake", state_dir=str(tmp_path / "mine")))
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("content", ["{", "[]", json.dumps({"format": 1, "colour": "red"}), json.dumps({"format": 99})])
def test_a_damaged_configuration_is_said_not_guessed(tmp_path: Path, content: str) -> None:
    (tmp_path / "cluster.json").write_text(content)
    with pytest.raises(ConfigError):
        StateDirectory(tmp_path).load()


def test_a_cluster_in_its_own_directory_is_found_by_name_and_forgotten_whole(tmp_path: Path, home: Path) -> None:
    state, config, _ = prepare(UpOptions(name="far", runtime="fake", state_dir=str(tmp_path / "elsewhere")))
    assert find("far").path.resolve() == state.path
    forget(state, config.name)
    assert not (tmp_path / "elsewhere").exists()
    assert not home.exists()


def test_what_a_killed_start_did_not_finish_writing_is_no_obstacle(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    (place / ".cluster.json.x7d").write_text('{"na')
    state, _, new = prepare(UpOptions(runtime="fake", state_dir=str(place)))
    assert new
    forget(state, "wherry")
    assert not place.exists()


def test_somebody_elses_files_stay(tmp_path: Path) -> None:
    state, config, _ = prepare(UpOptions(name="mixed", runtime="fake", state_dir=str(tmp_path / "mixed")))
    state.pki.mkdir()
    (state.path / "thesis.txt").write_text("years of work")
    forget(state, config.name)
    assert [path.name for path in state.path.iterdir()] == ["thesis.txt"]


def test_a_directory_without_cluster_is_never_removed(tmp_path: Path) -> None:
    (tmp_path / "pki").mkdir()
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigError, match="no cluster in"):
        remove(StateDirectory(tmp_path), "wherry")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pki", "thesis.txt"]


@pytest.mark.parametrize("content", ["{", json.dumps({"format": 99})])
def test_a_cluster_whose_configuration_is_damaged_can_be_removed(content: str) -> None:
    state, config, _ = prepare(UpOptions(runtime="fake"))
    state.pki.mkdir()
    state.config.write_text(content)
    with pytest.raises(ConfigError):
        prepare(UpOptions(runtime="fake"))
    remove(state, config.name)
    assert not state.path.exists()


def test_a_link_to_a_state_that_is_gone_is_replaced(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    prepare(UpOptions(name="far", runtime="fake", state_dir=str(elsewhere)))
    shutil.rmtree(elsewhere)
    state, _, new = prepare(UpOptions(name="far", runtime="fake", state_dir=str(tmp_path / "other")))
    assert new
    assert find("far").path == state.path


def test_fake_nodes_by_the_thousand() -> None:
    _, config, _ = prepare(UpOptions(name="sim", runtime="fake", nodes=5000))
    assert (config.real_nodes, config.pretended_nodes) == (0, 5000)
    _, config, _ = prepare(UpOptions(name="both", runtime="process", fake_nodes=20))
    assert (config.real_nodes, config.pretended_nodes) == (1, 20)


def test_a_virtual_clock_has_fake_nodes_and_nothing_on_disk() -> None:
    _, config, _ = prepare(UpOptions(name="test", clock="virtual"))
    assert (config.clock, config.runtime, config.memory) == ("virtual", "fake", True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (UpOptions(nodes=5000), "a cluster has 1 to 200 nodes; with --runtime fake, or --fake-nodes, up to 10000"),
        (UpOptions(fake_nodes=20_000), "there can be 0 to 10000"),
        (UpOptions(clock="virtual", runtime="process"), "--clock virtual needs --runtime fake"),
        (UpOptions(clock="virtual", processes="many"), "--clock virtual needs all parts in one process"),
        (UpOptions(controllers="*,-jobs"), "there is no controller 'jobs'"),
        (UpOptions(scheduler_config="{}"), '--scheduler-config: no kind "None" is registered for version "None"'),
        (UpOptions(fake_stages="{}"), "--fake-stages: the file must hold a list of rules"),
    ],
)
def test_what_does_not_fit_together(options: UpOptions, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        prepare(options)


def test_parts_may_be_switched_at_the_next_start() -> None:
    prepare(UpOptions(runtime="fake", controllers="*,-job"))
    _, config, _ = prepare(UpOptions(scheduler=False, leader_elect=True))
    assert (config.controllers, config.scheduler, config.leader_elect) == ("*,-job", False, True)


def test_the_pool_of_load_balancers_is_of_the_cluster_unless_told() -> None:
    def config(**more: str) -> ClusterConfig:
        return ClusterConfig(name="x", index=3, runtime="oci", port=1, **more)

    assert config().load_balancer_pool == "10.133.0.0/24"
    assert config(network="loopback").load_balancer_pool == "127.133.0.0/24"
    assert config(load_balancers="10.1.0.0/28").load_balancer_pool == "10.1.0.0/28"
    assert config(load_balancers="none").load_balancer_pool == ""


def test_a_pool_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    options = UpOptions(name="x", runtime="fake", state_dir=str(tmp_path / "x"), load_balancers="10.0.0.1/8")
    with pytest.raises(ConfigError, match=r"--load-balancers: 10\.0\.0\.1/8 is no IPv4 network"):
        prepare(options)
