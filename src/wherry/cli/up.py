"""`wherry up`."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

import click

from wherry.cli.options import cluster_name, state_dir


@click.command()
@cluster_name
@click.option("--nodes", type=int, metavar="N", help="How many nodes (default 1).")
@click.option(
    "--runtime",
    type=click.Choice(["auto", "oci", "process", "fake"]),
    default="auto",
    show_default=True,
    help="oci: real containers (root on Linux). process: plain processes, no privileges. fake: pods that only pretend.",
)
@state_dir
@click.option("--port", type=int, metavar="P", help="The API server's port (default: 6443, or the next free one).")
@click.option("--memory", is_flag=True, help="Keep nothing on disk: the cluster's objects are gone when it stops.")
@click.option("--fake-nodes", type=int, metavar="N", help="So many nodes more that only pretend, with a taint.")
@click.option(
    "--fake-stages",
    type=click.File(),
    metavar="FILE",
    help="How fake pods live: rules in YAML (docs/fake-nodes.md).",
)
@click.option(
    "--clock",
    type=click.Choice(["real", "virtual"]),
    help="virtual: `wherry clock advance` moves it (only fake pods, nothing on disk).",
)
@click.option(
    "--controllers", metavar="LIST", help="Which controllers run, as kube-controller-manager's: '*,-job'. Default '*'."
)
@click.option("--disable-controllers", metavar="LIST", help="The controllers to leave out: 'deployment,job'.")
@click.option("--scheduler/--no-scheduler", default=None, help="Whether our scheduler runs. Default: yes.")
@click.option(
    "--scheduler-config",
    type=click.File(),
    metavar="FILE",
    help="Profiles, plugins and extenders: a KubeSchedulerConfiguration (docs/scheduling.md).",
)
@click.option(
    "--leader-elect/--no-leader-elect",
    default=None,
    help="Let controllers and scheduler work only while they hold their lease. Default: no.",
)
@click.option(
    "--config",
    "config_file",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="The API server's identity providers, authorizers, audit log and encryption (docs/identity.md).",
)
@click.option(
    "--load-balancers",
    metavar="POOL",
    help="Addresses for load balancers: networks and ranges, or none (docs/load-balancers.md).",
)
@click.option("--processes", type=click.Choice(["one", "many"]), hidden=True)
@click.option("--foreground", is_flag=True, help="Do not go into the background; Ctrl-C stops the cluster.")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait until the nodes are ready.")
def up(
    name: str,
    nodes: int | None,
    runtime: str,
    state_dir: str | None,
    port: int | None,
    memory: bool,
    config_file: str | None,
    load_balancers: str | None,
    processes: str | None,
    fake_nodes: int | None,
    fake_stages: TextIO | None,
    clock: str | None,
    controllers: str | None,
    disable_controllers: str | None,
    scheduler: bool | None,
    scheduler_config: TextIO | None,
    leader_elect: bool | None,
    foreground: bool,
    wait: bool,
) -> None:
    """Start a cluster; make it first if there is none called NAME (default: wherry).

    \b
    wherry up                        one node, real containers where this machine can
    wherry up dev --nodes 3          another cluster beside it, with three nodes
    wherry up --runtime fake         no containers: for testing controllers and schedulers
    wherry up sim --runtime fake --nodes 5000
    wherry up test --clock virtual   a cluster whose clock `wherry clock advance 24h test` moves

    Its credentials are merged into your kubeconfig as context `wherry` (or `wherry-NAME`), so that kubectl, Helm and
    Terraform find it. `wherry down` removes the cluster and all that it made.
    """
    from wherry.cli.launch import launch, merge_kubeconfig, run_here
    from wherry.distro import daemon
    from wherry.distro.api_server_files import read_config_file
    from wherry.distro.lifecycle import UpOptions, prepare
    from wherry.distro.turn import machine_turn

    options = UpOptions(
        name=name,
        nodes=nodes,
        runtime=runtime,
        state_dir=state_dir,
        port=port,
        memory=memory,
        processes=processes,
        fake_nodes=fake_nodes,
        fake_stages=fake_stages.read() if fake_stages else None,
        clock=clock,
        controllers=_controllers(controllers, disable_controllers),
        scheduler=scheduler,
        scheduler_config=scheduler_config.read() if scheduler_config else None,
        leader_elect=leader_elect,
        load_balancers=load_balancers,
        api_server=read_config_file(Path(config_file)) if config_file else None,
    )
    with machine_turn():
        state, config, _ = prepare(options)
        if pid := daemon.running_pid(state):
            click.echo(f"Cluster {name} is running already (process {pid}) at {config.server}", err=True)
            merge_kubeconfig(state)
            return
        if runtime == "auto" and config.runtime == "process":
            _say_what_is_lost()
        if not foreground:
            seconds = launch(state, config, wait=wait)
    if foreground:
        run_here(state, config)
        return
    path = merge_kubeconfig(state)
    click.echo(f"\nCluster {name} is up after {seconds:.2f} s: {config.server}", err=True)
    click.echo(f"Context {config.context} is current in {path}. Try: wherry get pods -A", err=True)


def _controllers(wanted: str | None, disabled: str | None) -> str | None:
    """Both options as the one list that is kept."""
    if not disabled:
        return wanted
    off = ",".join(f"-{name.strip()}" for name in disabled.split(",") if name.strip())
    return f"{wanted or '*'},{off}"


def _say_what_is_lost() -> None:
    from wherry.distro.machine import lacks_for_containers

    lacks = ", ".join(check.name for check in lacks_for_containers())
    click.echo(f"No {lacks}: pods run as plain processes, without isolation or addresses of their own.", err=True)
