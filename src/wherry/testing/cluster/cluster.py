"""`wherry.testing.Cluster`: a whole control plane beside the test, for code in any language and tests without async.

    with Cluster() as cluster:
        cluster.apply("deployment.yaml")
        cluster.wait_for("deployment/web", "Available")
        cluster.clock.advance("24h")

Names of resources are what kubectl takes; `namespace` is `default` where one is needed and none is given. What a method reads
or writes itself passes all faults by. See docs/testing.md.
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Collection, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from wherry.api.types import Object
from wherry.testing.cluster import actions
from wherry.testing.cluster.faults import Rule, Who
from wherry.testing.cluster.home import home
from wherry.testing.cluster.objects import Found, Manifests, Objects
from wherry.testing.cluster.plane import Options, Plane, open_plane
from wherry.testing.cluster.programs import environment, kubectl
from wherry.testing.cluster.waiting import Condition, wait_for

T = TypeVar("T")


class Cluster:
    """Up when it is made; `close` (or the end of the `with` block) takes it down.

    `nodes` fake nodes; `clock`: `virtual` ticks and can be moved, `stopped` moves only when told or waited for, `real`;
    `start`: what the clock shows first (seconds since 1970); `controllers` as for kube-controller-manager, such as `*,-job`;
    `seed` decides what chance decides: it is printed by the pytest plugin, and is `cluster.seed`.
    """

    def __init__(
        self,
        *,
        nodes: int = 1,
        clock: str = "virtual",
        start: float | None = None,
        controllers: str = "*",
        scheduler: bool = True,
        seed: int | None = None,
        _plane: Plane | None = None,
    ) -> None:
        self._home = home()
        self.seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
        options = Options(
            nodes=nodes, clock=clock, start=start, controllers=controllers, scheduler=scheduler, seed=self.seed
        )
        self._plane = _plane or self._run(open_plane(options))
        self._objects = Objects(self._plane)
        self._closed = False
        self.clock = Clock(self)
        self.faults = Faults(self)

    # Where it is

    @property
    def url(self) -> str:
        return self._plane.url

    @property
    def kubeconfig(self) -> Path:
        """A file that makes its reader the administrator."""
        return self._plane.kubeconfig

    @property
    def token(self) -> str:
        """The administrator's bearer token."""
        return self._plane.keys.token

    @property
    def ca(self) -> Path:
        return self._plane.keys.ca

    @property
    def client_certificate(self) -> Path:
        return self._plane.keys.admin.certificate

    @property
    def client_key(self) -> Path:
        return self._plane.keys.admin.key

    @property
    def environment(self) -> dict[str, str]:
        """For programs that the test starts: this process's, with KUBECONFIG."""
        return environment(self._plane)

    # Objects

    def get(self, what: str, name: str = "", *, namespace: str | None = None) -> Object:
        """`get("pod/web")`. Raises `wherry.api.errors.NotFound`."""
        return self._run(self._objects.get(what, name, namespace))

    def list(
        self, what: str, *, namespace: str | None = None, label_selector: str = "", field_selector: str = ""
    ) -> Found:
        """Of one namespace, or of all."""
        return self._run(self._objects.list(what, namespace, label_selector, field_selector))

    def apply(self, manifests: Manifests, *, namespace: str | None = None) -> Found:
        """YAML text, a file, a folder or objects: create what is missing; change of the rest what they say."""
        return self._run(self._objects.apply(manifests, namespace))

    def patch(
        self, what: str, patch: Any, *, namespace: str | None = None, type: str = "merge", subresource: str = ""
    ) -> Object:
        """`type`: merge, strategic, json or apply."""
        return self._run(self._objects.patch(what, "", patch, namespace, type, subresource))

    def delete(self, what: str, name: str = "", *, namespace: str | None = None, grace: int | None = None) -> None:
        """Dependents follow in the background; what is not there is gone already."""
        self._run(self._objects.delete(what, name, namespace, grace))

    def wait_for(
        self, what: str, condition: Condition = "exists", *, namespace: str | None = None, timeout: float | str = 30
    ) -> Object | None:
        """Wait until it is so and give the object (None once it is gone).

        `exists`, `deleted`, a condition (`Available`, `Ready=False`), a JSONPath (`{.status.phase}=Running`), or a function
        of the object. `timeout` in the cluster's time. Raises `NotInTime`, an `AssertionError` that tells what was seen last.
        """
        seconds = actions.seconds_of(timeout)
        return self._run(wait_for(self._plane, self._objects, what, condition, namespace=namespace, timeout=seconds))

    def logs(self, pod: str, *, container: str = "", namespace: str | None = None) -> str:
        """What the annotation `wherry.dev/fake-log` of the pod says."""
        return self._run(self._objects.logs(pod, container, namespace))

    def kubectl(self, *arguments: str, input: str = "", check: bool = True) -> str:
        """Run kubectl against the cluster; gives what it printed. Raises `KubectlFailed`, `FileNotFoundError`."""
        return kubectl(self._plane, arguments, input, check)

    def run(self, *command: str, **options: Any) -> subprocess.Popen[str]:
        """Start a program with this cluster's KUBECONFIG; options are those of `subprocess.Popen`."""
        return subprocess.Popen(command, env=self.environment, text=True, **options)

    # Nodes and parts

    def kill_node(self, name: str) -> None:
        """The node falls silent, and what ran on it is lost."""
        self._run(actions.node_down(self._plane, name, True))

    def partition_node(self, name: str) -> None:
        """The node is cut off; what runs on it goes on, unseen."""
        self._run(actions.node_down(self._plane, name, False))

    def restore_node(self, name: str) -> None:
        """A node that was killed or cut off is there again."""
        self._run(self._plane.node_up(name))

    def kill(self, part: str) -> None:
        """End `controllers`, `scheduler` or `nodes` in the middle of what it is doing."""
        self._run(self._plane.kill(part))

    def start(self, part: str) -> None:
        """Start a part that was killed; it knows only what the API tells."""
        self._run(actions.start_part(self._plane, part))

    # Life

    def fork(self, *, seed: int | None = None) -> Cluster:
        """A cluster of its own that starts as this one is now, with its own address, clock and chance. Close it, too."""
        seed = self.seed if seed is None else seed
        plane = self._run(self._plane.fork(seed=seed))
        return Cluster(seed=seed, _plane=plane)

    def close(self) -> None:
        """May be called twice."""
        if not self._closed:
            self._closed = True
            self._run(self._plane.close())

    def __enter__(self) -> Cluster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Cluster {self.url} seed={self.seed}>"

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._home.run(work)


class Clock:
    """The clock of a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def now(self) -> float:
        """Seconds since 1970."""
        return self._cluster._plane.clock.now()

    def advance(self, span: float | str) -> float:
        """Move ahead by seconds or `24h`, doing in order all that falls due; gives what the clock shows then."""
        return self._cluster._run(actions.advance(self._cluster._plane, span))

    def settle(self) -> None:
        """Return when the cluster itself has nothing to do before time passes."""
        self._cluster._run(actions.settle(self._cluster._plane))


class Faults:
    """What goes wrong between the API server and those who call it. Each method may be used as a `with` block.

    `verb` as in RBAC (`create`, `update`, `watch`, ...), one, several or `*`; `who`: `clients` are programs outside, `parts` the
    cluster's own controllers, scheduler and nodes, or `everybody`; `probability` is decided by the cluster's seed; `times`
    ends a rule after so many strikes.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def fail(
        self,
        *,
        verb: str | Collection[str] = "*",
        resource: str = "*",
        namespace: str = "",
        who: Who = "clients",
        probability: float = 1.0,
        times: int | None = None,
        code: int = 500,
        message: str = "a fault of the test",
    ) -> Fault:
        """Answer with an error; nothing is done."""
        options = {"verb": verb, "resource": resource, "namespace": namespace, "who": who}
        return self._add(
            actions.rule(**options, probability=probability, times=times, code=code, message=message)  # type: ignore[arg-type]
        )

    def delay(
        self,
        span: float | str,
        *,
        verb: str | Collection[str] = "*",
        resource: str = "*",
        namespace: str = "",
        who: Who = "clients",
        probability: float = 1.0,
        times: int | None = None,
    ) -> Fault:
        """Answer later, by the cluster's clock."""
        options = {"verb": verb, "resource": resource, "namespace": namespace, "who": who}
        return self._add(actions.rule(**options, probability=probability, times=times, delay=span))  # type: ignore[arg-type]

    def lose_answers(
        self,
        *,
        verb: str | Collection[str] = "*",
        resource: str = "*",
        namespace: str = "",
        who: Who = "clients",
        probability: float = 1.0,
        times: int | None = None,
    ) -> Fault:
        """Do what is asked, and answer with 504 as if nobody knew."""
        options = {"verb": verb, "resource": resource, "namespace": namespace, "who": who}
        return self._add(actions.rule(**options, probability=probability, times=times, lose=True))  # type: ignore[arg-type]

    def drop_watches(self, resource: str = "*") -> int:
        """End all watches that run now; gives how many there were."""
        return self._cluster._run(actions.drop_watches(self._cluster._plane, resource))

    def clear(self) -> None:
        """Everything works again."""
        self._cluster._run(actions.remove_rules(self._cluster._plane, None))

    def _add(self, rule: Rule) -> Fault:
        self._cluster._run(actions.add_rule(self._cluster._plane, rule))
        return Fault(self._cluster, rule)


class Fault:
    """One rule that is in force until `stop`, `faults.clear` or the end of its `with` block."""

    def __init__(self, cluster: Cluster, rule: Rule) -> None:
        self._cluster = cluster
        self._rule = rule

    @property
    def struck(self) -> int:
        """How many calls it has struck."""
        return self._rule.struck

    def stop(self) -> None:
        self._cluster._run(actions.remove_rules(self._cluster._plane, [self._rule]))

    def __enter__(self) -> Fault:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


@contextmanager
def forked(cluster: Cluster, *, seed: int | None = None) -> Iterator[Cluster]:
    """A fork for the time of a block."""
    twin = cluster.fork(seed=seed)
    try:
        yield twin
    finally:
        twin.close()
