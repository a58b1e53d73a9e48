"""`wherry stop`."""

from __future__ import annotations

import click

from wherry.cli.options import cluster_name, state_dir


@click.command()
@cluster_name
@state_dir
@click.option(
    "--grace",
    type=click.FloatRange(min=0),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="The longest that pods get to end in their own way; 0 kills them at once.",
)
def stop(name: str, state_dir: str | None, grace: float) -> None:
    """Stop a cluster and its containers; its state is kept for `wherry start`.

    Each container gets its stop signal and the grace period of its pod, but no longer than --grace. Hooks are not run.
    """
    from wherry.cli.progress import Steps
    from wherry.distro.lifecycle import find
    from wherry.distro.teardown import halt
    from wherry.distro.turn import machine_turn

    state = find(name, state_dir)
    with Steps() as steps, machine_turn():
        steps.begin(f"Stopping cluster {name}")

        def tell(running: int) -> None:
            steps.update(f"Stopping cluster {name}: {running} container{'' if running == 1 else 's'} left")

        was_running = halt(state, state.load(), pod_seconds=grace, tell=tell)
        steps.done(f"Cluster {name} {'stopped' if was_running else 'was not running'}")
