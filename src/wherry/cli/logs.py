"""`wherry logs`: of containers, and of the cluster's own parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from wherry.cli.kubecommand import DURATION, command
from wherry.cli.objects.options import label_selector
from wherry.cli.options import of_cluster
from wherry.cli.target import Target, target_options

if TYPE_CHECKING:
    from wherry.api.types import Object
    from wherry.cli.target import Session


@command()
@click.argument("what", nargs=-1, metavar="[POD | TYPE/NAME | COMPONENT] [CONTAINER]")
@click.option("-f", "--follow", is_flag=True, help="Go on as the log grows.")
@click.option("-c", "--container", default="", metavar="NAME", help="Of this container.")
@click.option("--all-containers", is_flag=True, help="Of all containers of the pod.")
@click.option("--all-pods", is_flag=True, help="Of all pods that TYPE/NAME selects; with prefixes.")
@label_selector
@click.option("-p", "--previous", is_flag=True, help="Of the container before its last restart.")
@click.option("--timestamps", is_flag=True, help="With the time of each line.")
@click.option("--since", type=DURATION, metavar="DURATION", help="Not older than this, such as 5m.")
@click.option("--since-time", default="", metavar="TIME", help="Not older than this moment (RFC 3339).")
@click.option("--tail", type=int, metavar="LINES", help="The last lines (default: all; with -l, 10).")
@click.option("--limit-bytes", type=int, metavar="BYTES", help="At most so much.")
@click.option("--prefix", is_flag=True, help="Say before each line which container it is from.")
@click.option("--ignore-errors", is_flag=True, help="Go on with the other logs where one fails.")
@click.option("--max-log-requests", type=int, default=5, show_default=True, metavar="N", help="Logs followed at once.")
@click.option("--pod-running-timeout", type=DURATION, default="20s", show_default=True, help="Wait for a pod to exist.")
@click.option("--component", default="", metavar="NAME", help="Of this part of a cluster on this machine.")
@of_cluster
@target_options
def logs(
    what: Sequence[str],
    *,
    follow: bool,
    container: str,
    all_containers: bool,
    all_pods: bool,
    label_selector: str,
    previous: bool,
    timestamps: bool,
    since: float | None,
    since_time: str,
    tail: int | None,
    limit_bytes: int | None,
    prefix: bool,
    ignore_errors: bool,
    max_log_requests: int,
    pod_running_timeout: float,
    component: str,
    cluster: str,
    target: Target,
) -> None:
    """Print the log of a container, or of a part of the cluster itself.

    \b
    wherry logs web                     the pod web
    wherry logs deployment/web -f       one of its pods, as the log grows
    wherry logs -l app=web --prefix --all-containers
    wherry logs web -c init --previous --tail=20 --timestamps

    \b
    wherry logs scheduler -f            apiserver, controllers, scheduler, node, network, store or cluster
    wherry logs pod/scheduler           the pod of that name
    """
    from wherry.cli.clusterlog.lines import COMPONENTS
    from wherry.cli.errors import Refused

    if component or (len(what) == 1 and what[0] in COMPONENTS and not label_selector and target == Target()):
        _of_component(component or what[0], cluster, follow, tail, since, since_time)
        return
    if len(what) > 2 or (label_selector and what) or not (label_selector or what):
        raise Refused("'logs (POD | TYPE/NAME) [CONTAINER_NAME]': name a pod, or select pods with -l")
    if since is not None and since_time:
        raise Refused("at most one of `sinceTime` or `sinceSeconds` may be specified")
    if all_containers and (container or len(what) == 2):
        raise Refused("--all-containers=true should not be specified with container name")
    from wherry.cli.pods.log_streams import LogOptions

    options = LogOptions(
        container=container or (what[1] if len(what) == 2 else ""),
        all_containers=all_containers,
        follow=follow,
        previous=previous,
        timestamps=timestamps,
        since_seconds=None if since is None else max(1, round(since)),
        since_time=since_time,
        tail=10 if tail is None and label_selector else tail if tail is not None and tail >= 0 else None,
        limit_bytes=limit_bytes,
        prefix=prefix or all_pods,
        ignore_errors=ignore_errors,
        max_requests=max_log_requests,
    )

    async def work(session: Session) -> None:
        from wherry.cli.pods import log_streams

        pods = await _pods(session, what, label_selector, all_pods, pod_running_timeout)
        await log_streams.show(session.client, log_streams.sources(pods, options), options)

    target.run(work)


async def _pods(
    session: Session, what: Sequence[str], label_selector: str, all_pods: bool, timeout: float
) -> list[Object]:
    from wherry.cli.objects.requests import Reading, objects
    from wherry.cli.objects.wanted import Wanted
    from wherry.cli.pods import finding

    if label_selector:
        pods = await session.discovery.resolve("pods")
        reading = Reading(label_selector=label_selector)
        found = await objects(session.client, Wanted(pods, session.namespace), reading)
        if not found:
            click.echo(f"No resources found in {session.namespace} namespace.", err=True)
        return found
    wanted = await finding.parse(session, what[0])
    found = await finding.pods_of(session, wanted, timeout=timeout)
    if len(found) > 1 and not all_pods:
        name = found[0]["metadata"]["name"]
        click.echo(f"Found {len(found)} pods, using pod/{name}", err=True)
        return found[:1]
    return found


def _of_component(
    component: str, cluster: str, follow: bool, tail: int | None, since: float | None, since_time: str
) -> None:
    import time

    from wherry.base.times import rfc3339
    from wherry.cli.clusterlog import reading
    from wherry.cli.clusterlog.lines import COMPONENTS, Filter
    from wherry.cli.errors import Refused
    from wherry.cli.options import chosen

    if component not in COMPONENTS:
        raise Refused(f"there is no component {component!r}: choose one of {', '.join(COMPONENTS)}")
    start = rfc3339(time.time() - since).removesuffix("Z") if since is not None else since_time.removesuffix("Z")
    reading.show(chosen(cluster).log, Filter(component, since=start), tail=tail, follow=follow)
