"""Starting a cluster's process and showing its progress: what `up` and `start` share."""

from __future__ import annotations

import click

from wherry.cli.progress import Steps
from wherry.distro import daemon
from wherry.distro.config import ClusterConfig, ConfigError, StateDirectory
from wherry.distro.machine import disk_is_full


def launch(state: StateDirectory, config: ClusterConfig, *, wait: bool) -> float:
    """Start in the background; returns the seconds until it was ready (or, without `wait`, until it serves).

    Raises `ConfigError` with the reason when it does not start, or is not ready in time.
    """
    from wherry.distro.assembly import run_in_background

    before = state.log.stat().st_size if state.log.exists() else 0
    told = run_in_background(state, config)  # before the moving line, which is a thread
    with Steps() as steps:
        steps.begin("Starting the cluster")
        # What is needed at the end is loaded while the cluster starts, which takes another core.
        import yaml  # noqa: F401

        for progress in told:
            if progress.kind == "failed":
                raise ConfigError(f"{progress.message}\n       the log is {state.log}")
            if progress.kind == "late":
                raise ConfigError(_late(state, config, before))
            steps.done(progress.message, progress.seconds)
            if progress.kind == "ready" or (progress.kind == "serving" and not wait):
                break
            steps.begin("Starting the cluster" if progress.kind == "step" else "Waiting for the nodes")
        return steps.seconds


def _late(state: StateDirectory, config: ClusterConfig, log_begin: int) -> str:
    """What to say of a cluster that is not ready in time: the last trouble in its log, and what can be done."""
    full = disk_is_full(state.path)  # then the log is silent too
    trouble = f"the disk of {state.path} is full" if full else daemon.last_problem(state.log, log_begin)
    trouble = trouble or "nothing has failed so far"
    return (
        f"cluster {config.name} is not ready yet: {trouble}\n"
        f"       it goes on trying: look with `wherry status {config.name}`, end it with `wherry stop {config.name}`; "
        f"the log is {state.log}"
    )


def run_here(state: StateDirectory, config: ClusterConfig) -> None:
    """Run in the foreground until interrupted."""
    from wherry.distro.assembly import run

    with daemon.hold(state):
        run(state, config, lambda progress: click.echo(f"{progress.kind}: {progress.message}", err=True))


def merge_kubeconfig(state: StateDirectory) -> str:
    """Put the cluster's context into the user's kubeconfig and make it the current one; gives the file's path.

    Raises `ConfigError`; the cluster is up all the same.
    """
    from wherry.client.kubeconfig import KubeconfigError
    from wherry.distro.kubeconfig import merge_into_user_file

    try:
        return str(merge_into_user_file(state))
    except (KubeconfigError, OSError) as error:
        raise ConfigError(
            f"the cluster is up, but its context cannot be put into your kubeconfig: {error}; "
            f"export KUBECONFIG={state.kubeconfig} to use it"
        ) from error
