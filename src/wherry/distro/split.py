"""The same cluster with a process for each part.

A supervisor forks the API server, then a process per part, and forks a part again when it dies. The parts reach the API
server over TLS with certificates of their own, as on several machines. Forking shares the loaded code between them.

What always holds: when the supervisor dies, however it dies, its processes end (the kernel sends them SIGTERM); the lock
that makes the supervisor the cluster is not held by them.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from ssl import SSLContext
from typing import Any

from wherry.base import garbage
from wherry.base.backoff import Backoff
from wherry.base.clock import Clock, RealClock
from wherry.base.log import Logger
from wherry.base.tasks import Component, cancel_and_wait
from wherry.client.client import Client
from wherry.distro import credentials as credentials_of
from wherry.distro import kubeconfig, networks, parts
from wherry.distro.config import ClusterConfig, StateDirectory
from wherry.distro.control_plane import open_control_plane, remote_client
from wherry.distro.credentials import Credentials
from wherry.distro.daemon import Progress, Report, release_inherited
from wherry.distro.failures import explain
from wherry.distro.parts import Identity, Parts, part_names
from wherry.distro.pki import Profile
from wherry.distro.renewal import Renewal, into
from wherry.distro.rotation import node_rotation
from wherry.node.certificates.request import CLIENT_SIGNER
from wherry.wire.tls import client_context

log = Logger("supervisor")

_PR_SET_PDEATHSIG = 1
_NODE_NAME = "system:node:"
_RESTART = Backoff(initial=0.2, cap=10.0)
_START_ATTEMPTS = 5
"""Of the API server, before the cluster is said not to start: one that was killed may still hold port and store."""
_GRACE_SECONDS = 10.0
_LONGEST_WORD = 1000
"""Of what a part tells in one line: the kernel keeps a write to a pipe whole up to 4096 bytes."""
_STEP = "step: "
"""Begins a line that people should read."""

Tell = Callable[[str], None]
"""Says one line to the supervisor."""
Work = Callable[[Tell], Coroutine[Any, Any, None]]


def supervise(state: StateDirectory, config: ClusterConfig, report: Report) -> None:
    """Be the supervisor until a signal ends it."""
    from wherry.distro.assembly import Announcer

    parts.load()
    garbage.settle()
    progress = Announcer(config, report)
    credentials = credentials_of.ensure(state, config, RealClock())
    kubeconfig.write(state, config, credentials.authority)
    host = networks.host_network(config, state)
    was_there = host is not None and host.is_there()
    if host is not None:
        asyncio.run(host.open())
    works = _works(state, config, credentials)
    serving = False

    def on_word(part: str, word: str) -> None:
        nonlocal serving
        if word == part:
            progress.node_ready(part)
        elif part == "apiserver" and word == "serving":
            serving = True
            progress.serving()
            family.start_all({name: work for name, work in works.items() if name != "apiserver"})
        elif word.startswith(_STEP):
            progress.step(word.removeprefix(_STEP))
        elif part == "apiserver" and not serving and family.failures(part) >= _START_ATTEMPTS:
            report(Progress("failed", word))
            family.end()

    family = Family(on_word, lambda error: explain(error, state, config))
    family.start_all({"apiserver": works["apiserver"]})
    family.run()
    if host is not None and not serving and not was_there:
        asyncio.run(host.remove())


def _works(state: StateDirectory, config: ClusterConfig, credentials: Credentials) -> dict[str, Work]:
    clock = RealClock()

    async def apiserver(tell: Tell) -> None:
        plane = await open_control_plane(state, config, credentials, clock, say=lambda line: tell(f"{_STEP}{line}"))
        tell("serving")
        await plane.run()

    def work_of(name: str) -> Work:
        async def work(tell: Tell) -> None:
            connections = Connections(config, credentials, clock)
            parts = Parts(
                state=state,
                config=config,
                credentials=credentials,
                clock=clock,
                connect=connections.connect,
                on_ready=tell,
            )
            try:
                await parts.all()[name]()
            finally:
                await connections.aclose()

        return work

    return {"apiserver": apiserver, **{name: work_of(name) for name in part_names(config)}}


class Connections:
    """The clients of one process, whose certificates are renewed until `aclose`."""

    def __init__(self, config: ClusterConfig, credentials: Credentials, clock: Clock) -> None:
        self._config = config
        self._authority = credentials.authority
        self._clock = clock
        self._known: dict[Identity, Client] = {}
        self._renewals: list[asyncio.Task[None]] = []

    def connect(self, identity: Identity) -> Client:
        if identity not in self._known:
            self._known[identity] = self._open(identity)
        return self._known[identity]

    async def aclose(self) -> None:
        await cancel_and_wait(*self._renewals)
        for client in self._known.values():
            await client.aclose()

    def _open(self, identity: Identity) -> Client:
        profile = Profile(common_name=identity.name, organizations=identity.groups, client=True)
        pair = self._authority.issue(identity.file_name, profile)
        tls = client_context(ca=self._authority.pair.certificate, certificate=pair.certificate, key=pair.key)
        client = remote_client(self._config, tls, identity.agent, self._clock)
        self._renewals.append(asyncio.ensure_future(self._renewing(identity, profile, tls, client).run()))
        return client

    def _renewing(self, identity: Identity, profile: Profile, tls: SSLContext, client: Client) -> Component:
        file_name = identity.file_name
        if (node := identity.name.removeprefix(_NODE_NAME)) == identity.name:
            return Renewal(self._authority, file_name, profile, into(tls), clock=self._clock)
        return node_rotation(
            self._authority,
            file_name,
            profile,
            node=node,
            signer=CLIENT_SIGNER,
            context=tls,
            client=client,
            clock=self._clock,
        )


class Family:
    """The processes of the supervisor.

    `on_word` gets, in the supervisor's process, the name of a part and each line it tells; also why it failed, in the
    words of `explain`.
    """

    def __init__(self, on_word: Callable[[str, str], None], explain: Callable[[Exception], str]) -> None:
        self._on_word = on_word
        self._explain = explain
        self._works: dict[str, Work] = {}
        self._names: dict[int, str] = {}
        self._began: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self._due: dict[str, float] = {}
        self._reader, self._writer = os.pipe()
        self._pending = b""
        self._ending = False

    def failures(self, name: str) -> int:
        """How often a part has ended in a row, the last time counted as soon as it has told why."""
        return self._failures.get(name, 0) + 1

    def end(self) -> None:
        """Let `run` come to its end."""
        self._ending = True

    def start_all(self, works: dict[str, Work]) -> None:
        for name, work in works.items():
            if name not in self._works:
                self._works[name] = work
                self._fork(name)

    def run(self) -> None:
        """Restart what dies, pass on what is told, until SIGTERM or SIGINT; then end all."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.end())
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only to wake up the select
        waker, alarm = os.pipe()
        os.set_blocking(alarm, False)
        signal.set_wakeup_fd(alarm)
        while not self._ending:
            readable, _, _ = select.select([self._reader, waker], [], [], self._patience())
            if self._reader in readable:
                self._listen()
            if waker in readable:
                os.read(waker, 65536)
            self._reap()
            self._restart_due()
        signal.set_wakeup_fd(-1)
        self._stop_all()

    def _listen(self) -> None:
        *lines, self._pending = (self._pending + os.read(self._reader, 65536)).split(b"\n")
        for line in lines:
            part, _, word = line.decode(errors="replace").partition(" ")
            self._on_word(part, word)

    def _patience(self) -> float | None:
        return max(0.0, min(self._due.values()) - time.monotonic()) if self._due else None

    def _reap(self) -> None:
        while self._names:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            if (name := self._names.pop(pid, None)) is not None and not self._ending:
                lasted = time.monotonic() - self._began[name]
                self._failures[name] = 1 if lasted > _RESTART.cap else self._failures.get(name, 0) + 1
                delay = _RESTART.delay(self._failures[name])
                self._due[name] = time.monotonic() + delay
                log.warning("a part ended, starting it again", part=name, status=status, seconds=delay)

    def _restart_due(self) -> None:
        for name in [name for name, moment in self._due.items() if moment <= time.monotonic()]:
            del self._due[name]
            self._fork(name)

    def _fork(self, name: str) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        # No signal may reach the child before it has handlers of its own: the supervisor's would swallow it.
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))
        if pid := os.fork():
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
            self._names[pid] = name
            self._began[name] = time.monotonic()
            return
        self._be_child(parent, name)

    def _be_child(self, parent: int, name: str) -> None:
        """Never returns. Not sys.exit: the supervisor's exit handlers are not ours to run."""
        from wherry.distro.assembly import run_loop

        def tell(word: str) -> None:
            os.write(self._writer, f"{name} {word[:_LONGEST_WORD]}\n".encode())

        status = 1
        try:
            _let_go()
            _end_with(parent)
            run_loop(self._works[name](tell))
            status = 0
        except Exception as error:
            log.exception("a part failed", part=name)
            tell(self._explain(error))
        finally:
            os._exit(status)

    def _stop_all(self) -> None:
        deadline = time.monotonic() + _GRACE_SECONDS
        for pid in self._names:
            os.kill(pid, signal.SIGTERM)
        while self._names and time.monotonic() < deadline:
            self._reap()
            time.sleep(0.01)
        for pid in self._names:
            os.kill(pid, signal.SIGKILL)
        # Only when they are gone have they let go of their locks, and may the supervisor of its own.
        for pid in self._names:
            os.waitpid(pid, 0)


def _let_go() -> None:
    """In a child: drop what is the supervisor's, its signal handlers and its lock."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, signal.SIGINT))
    release_inherited()


def _end_with(parent: int) -> None:
    """Ask the kernel for SIGTERM when the supervisor dies (Linux; elsewhere `wherry down` finds the orphans)."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)
