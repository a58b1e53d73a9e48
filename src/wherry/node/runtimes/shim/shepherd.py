"""One shim's life: start the container's process, serve its streams, keep how it ended.

What always holds: the end is in the file `status` before anybody is told of it; the shim ends only after its container;
the lock on `lock` is held exactly as long as the shim lives, which is how a new agent knows.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]
import _socket
import fcntl
import marshal
import os
import select
import time

from wherry.node.runtimes.shim import launch as launching
from wherry.node.runtimes.shim import records, system, terminal
from wherry.node.runtimes.shim.clients import ATTACH, CONTROL, UNKNOWN, Client
from wherry.node.runtimes.shim.logfile import LogFile
from wherry.node.runtimes.shim.remains import kill_remains, oom_kills

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wherry.node.runtimes.shim.launch import Launch

_CHUNK = 65536
_STDIN_LIMIT = 1 << 18
_LINGER_SECONDS = 5.0


def main(directory: str, agent: int) -> int:
    """Be the shim of the container in that directory; `agent` is the descriptor of its control connection."""
    os.setsid()
    os.umask(0o022)
    os.chdir(directory)
    lock = os.open(records.LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return 1
    os.write(lock, b"%d\n" % os.getpid())
    system.prctl(system.PR_SET_CHILD_SUBREAPER, 1)
    system.set_name(b"wherry-shim")
    with open(records.LAUNCH_FILE, "rb") as file:
        launch = marshal.load(file)
    Shepherd(launch, _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, agent)).run()
    return 0


class Shepherd:
    """The state of one shim. Everything happens in one `select` loop."""

    def __init__(self, launch: Launch, agent: _socket.socket) -> None:
        self._launch = launch
        self._clients = [Client(agent, CONTROL)]
        self._log = LogFile(launch["log_path"])
        self._outputs: dict[int, bytes] = {}
        self._stdin = -1
        self._stdin_pending = bytearray()
        self._stdin_closing = False
        self._process: launching.Started
        self._status: records.Running | records.Exited
        self._wait_status: int | None = None
        self._wake, wake = os.pipe()
        for descriptor in (self._wake, wake):
            os.set_blocking(descriptor, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake)
        self._server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        self._server.bind(records.SOCKET_FILE)
        self._server.listen(16)
        self._server.setblocking(False)

    def run(self) -> None:
        if self._start():
            while self._wait_status is None:
                self._turn(None)
            self._end()
        self._linger()

    def _start(self) -> bool:
        try:
            self._process = launching.start(self._launch)
        except launching.LaunchError as error:
            exited = records.Exited(128, 0, 0, time.time_ns(), False, "StartError", str(error))
            kill_remains(0)
            self._set_status(exited)
            return False
        process = self._process
        self._outputs = {process.out: b"stdout"} | ({process.err: b"stderr"} if process.err >= 0 else {})
        self._stdin = process.stdin
        for descriptor in (process.out, process.err, process.stdin):
            if descriptor >= 0:
                os.set_blocking(descriptor, False)
        self._set_status(records.Running(process.pid, time.time_ns()))
        self._reap()
        return True

    # -- one turn of the loop

    def _turn(self, timeout: float | None) -> None:
        held = sum(client.holds_back() for client in self._clients if client.kind == ATTACH) > 0
        readable: list[Any] = [self._wake, self._server, *self._clients]
        readable += [] if held else self._outputs
        writable: list[Any] = [client for client in self._clients if client.outgoing]
        if self._stdin_pending:
            writable.append(self._stdin)
        ready, sendable, _ = select.select(readable, writable, (), 1.0 if held else timeout)
        for one in ready:
            if isinstance(one, Client):
                one.fill()
                self._serve(one)
            elif one is self._server:
                self._accept()
            elif one == self._wake:
                _drain(self._wake)
                self._reap()
            else:
                self._copy_output(one)
        for one in sendable:
            if isinstance(one, Client):
                one.flush()
            else:
                self._feed_stdin()
        self._drop_gone()

    def _reap(self) -> None:
        """Collect ended children; besides the container's process those are orphans that we adopted."""
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if pid == self._process.pid:
                    self._wait_status = status
        except ChildProcessError:
            return

    def _copy_output(self, descriptor: int) -> bool:
        """Take one chunk to the log and to who is attached; False when nothing is left for now."""
        try:
            chunk = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return False
        except OSError:  # a terminal's master gives EIO when its last user has gone
            chunk = b""
        if not chunk:
            self._outputs.pop(descriptor, None)
            return False
        stream = self._outputs[descriptor]
        self._log.write(stream, chunk)
        for client in self._clients:
            if client.kind == ATTACH:
                client.send_frame(records.STDERR if stream == b"stderr" else records.STDOUT, chunk)
        return True

    # -- clients

    def _accept(self) -> None:
        try:
            descriptor, _ = self._server._accept()  # type: ignore[attr-defined]
        except OSError:
            return
        self._clients.append(Client(_socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, descriptor)))

    def _serve(self, client: Client) -> None:
        if client.kind == UNKNOWN and b"\n" in client.incoming:
            line, _, rest = bytes(client.incoming).partition(b"\n")
            client.incoming[:] = rest
            words = line.split()
            if words[:1] == [b"attach"]:
                client.kind = ATTACH
                client.gives_stdin = words[1:] == [b"1"] and self._stdin >= 0
            else:
                client.kind = CONTROL
                client.send(self._status.line().encode() + b"\n")
        if client.kind == CONTROL:
            self._obey(client)
        elif client.kind == ATTACH:
            self._take_input(client)

    def _obey(self, client: Client) -> None:
        while b"\n" in client.incoming:
            line, _, rest = bytes(client.incoming).partition(b"\n")
            client.incoming[:] = rest
            token, command, *arguments = line.decode().split()
            if command == "kill" and self._wait_status is None:
                self._kill(int(arguments[0]))
            elif command == "reopen":
                self._log.reopen()
            elif command == "resize" and self._process.tty:
                terminal.resize(self._process.out, int(arguments[0]), int(arguments[1]))
            client.send(f"done {token}\n".encode())

    def _kill(self, number: int) -> None:
        """The process is our child and not yet waited for, so its number cannot belong to another one."""
        self._reap()
        if self._wait_status is None:
            try:
                os.kill(self._process.pid, number)
            except OSError:
                pass

    def _take_input(self, client: Client) -> None:
        try:
            frames = records.take_frames(client.incoming)
        except ValueError:
            client.gone = True
            return
        for kind, payload in frames:
            if kind == records.TO_SHIM_DATA and client.gives_stdin and self._stdin >= 0:
                self._stdin_pending += payload
                self._feed_stdin()
            elif kind == records.TO_SHIM_EOF:
                self._input_ended(client)
            elif kind == records.TO_SHIM_RESIZE and self._process.tty:
                columns, rows = payload.split()
                terminal.resize(self._process.out, int(columns), int(rows))

    def _input_ended(self, client: Client) -> None:
        """With `stdin_once` the first client that ends its input ends the container's."""
        if client.gives_stdin and self._launch["stdin_once"] and not self._process.tty:
            self._stdin_closing = True
            self._feed_stdin()
        client.gives_stdin = False

    def _feed_stdin(self) -> None:
        try:
            while self._stdin_pending:
                del self._stdin_pending[: os.write(self._stdin, self._stdin_pending)]
        except BlockingIOError:
            return
        except OSError:
            self._stdin_pending.clear()
        if self._stdin_closing and self._stdin >= 0:
            os.close(self._stdin)
            self._stdin = -1

    def _drop_gone(self) -> None:
        for client in [client for client in self._clients if client.gone]:
            self._clients.remove(client)
            if client.kind == ATTACH:
                self._input_ended(client)
            client.close()

    # -- the end

    def _end(self) -> None:
        kill_remains(self._process.pid)
        for descriptor in tuple(self._outputs):
            while self._copy_output(descriptor):
                pass
        self._log.finish()
        code = os.waitstatus_to_exitcode(self._wait_status or 0)
        number = -code if code < 0 else 0
        started = self._status.started_ns
        oom = oom_kills(self._launch["oom"]) > 0
        reason = "OOMKilled" if oom else ("Error" if code else "Completed")
        self._set_status(records.Exited(128 + number if number else code, number, started, time.time_ns(), oom, reason))

    def _set_status(self, status: records.Running | records.Exited) -> None:
        """Write, tell, and only then wait for the disk: after a power failure nothing runs anyway."""
        self._status = status
        line = status.line().encode() + b"\n"
        temporary = records.STATUS_FILE + ".new"
        with open(temporary, "wb", 0) as file:
            file.write(line)
            os.rename(temporary, records.STATUS_FILE)
            for client in self._clients:
                if client.kind == CONTROL:
                    client.send(line)
            if isinstance(status, records.Exited):
                os.fsync(file.fileno())

    def _linger(self) -> None:
        """Let who is connected take the rest."""
        self._server.close()
        try:
            os.unlink(records.SOCKET_FILE)
        except OSError:
            pass  # the agent is already removing the directory
        code = str(self._status.code if isinstance(self._status, records.Exited) else 0).encode()
        for client in self._clients:
            if client.kind == ATTACH:
                client.send_frame(records.ENDED, code)
        deadline = time.monotonic() + _LINGER_SECONDS
        while time.monotonic() < deadline:
            waiting = [client for client in self._clients if client.outgoing and not client.gone]
            if not waiting:
                return
            _, sendable, _ = select.select((), waiting, (), 1.0)
            for client in sendable:
                client.flush()


def _drain(descriptor: int) -> None:
    try:
        while os.read(descriptor, 4096):
            pass
    except BlockingIOError:
        pass
