"""Starting a container's process, and the streams it gets.

What to launch comes as a dict of plain values, written by the agent with `marshal` into the file `launch`:

    argv, env, cwd      the command; for `oci` the OCI runtime's command line
    kind                `plain` (run the command itself) or `oci` (a runtime that creates, starts and goes away)
    tty, stdin, stdin_once, log_path
    pid_file, console   for `oci`: where the runtime leaves the pid; the socket that hands over the terminal
    user                for `plain`: None, or (uid, gid, groups)
    binds               for `plain`: (source, target, read only) to show in a mount namespace of its own
    enter               for `plain`: (descriptor, kind) of namespaces to go into first
    oom                 (file, key) pairs with counters of kills for lack of memory
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]
import _socket
import errno
import fcntl
import os
import sys
import termios

from wherry.node.runtimes.shim import system

TYPE_CHECKING = False
if TYPE_CHECKING:  # without `typing`, which is too heavy here
    from typing import Any, TypeAlias

    Launch: TypeAlias = dict[str, Any]


class LaunchError(Exception):
    """The command could not be started; the text is for the user, empty if the runtime's own log says it."""


class Started:
    """A process and our ends of its streams; -1 where there is none. With a terminal, `out` and `stdin` are its master."""

    __slots__ = ("err", "out", "pid", "stdin", "tty")

    def __init__(self, pid: int, out: int, err: int, stdin: int, tty: bool) -> None:
        self.pid = pid
        self.out = out
        self.err = err
        self.stdin = stdin
        self.tty = tty


def start(launch: Launch) -> Started:
    """Raises `LaunchError`."""
    return _start_oci(launch) if launch["kind"] == "oci" else _start_plain(launch)


class _Ends:
    """Both ends of the three streams, as pipes; the child's ends are closed by `close_child`."""

    def __init__(self, with_stdin: bool) -> None:
        self.out, self._child_out = os.pipe()
        self.err, self._child_err = os.pipe()
        self.stdin = -1
        if with_stdin:
            self._child_in, self.stdin = os.pipe()
        else:
            self._child_in = os.open(os.devnull, os.O_RDONLY)

    def use_in_child(self) -> None:
        for target, descriptor in enumerate((self._child_in, self._child_out, self._child_err)):
            os.dup2(descriptor, target)

    def close_child(self) -> None:
        for descriptor in (self._child_in, self._child_out, self._child_err):
            os.close(descriptor)

    def close_ours(self) -> None:
        for descriptor in (self.out, self.err, self.stdin):
            if descriptor >= 0:
                os.close(descriptor)


def _start_oci(launch: Launch) -> Started:
    tty = launch["tty"]
    console = _listen(launch["console"]) if tty else None
    ends = _Ends(launch["stdin"] and not tty)
    runtime = os.fork()
    if runtime == 0:
        _exec_or_exit(launch, ends)
    ends.close_child()
    _, status = os.waitpid(runtime, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise LaunchError("")
    with open(launch["pid_file"]) as file:
        pid = int(file.read())
    if console is not None:
        ends.close_ours()
        master = _receive_console(console)
        return Started(pid, master, -1, master if launch["stdin"] else -1, True)
    return Started(pid, ends.out, ends.err, ends.stdin, False)


def _exec_or_exit(launch: Launch, ends: _Ends) -> None:
    """Never returns. In a child: become the OCI runtime."""
    try:
        ends.use_in_child()
        _default_signals()
        system.prctl(system.PR_SET_PDEATHSIG, signal.SIGKILL)
        os.execvpe(launch["argv"][0], launch["argv"], launch["env"])
    finally:
        os._exit(127)


def _listen(path: str) -> _socket.socket:
    server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    server.bind(path)
    server.listen(1)
    return server


def _receive_console(server: _socket.socket) -> int:
    """The master side of the terminal, which the runtime has sent to our socket."""
    server.settimeout(5.0)
    descriptor, _ = server._accept()  # type: ignore[attr-defined]
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, descriptor)
    _, control, _, _ = connection.recvmsg(4096, _socket.CMSG_SPACE(4))
    connection.close()
    server.close()
    master = int.from_bytes(control[0][2][:4], sys.byteorder)
    os.set_inheritable(master, False)
    return master


def _start_plain(launch: Launch) -> Started:
    tty = launch["tty"]
    master, slave = os.openpty() if tty else (-1, -1)
    ends = None if tty else _Ends(launch["stdin"])
    report, complain = os.pipe()
    pid = os.fork()
    if pid == 0:
        _run_plain(launch, ends, slave, complain)
    os.close(complain)
    if ends is not None:
        ends.close_child()
    else:
        os.close(slave)
    with open(report, "rb") as file:
        message = file.read().decode(errors="replace")
    if message:
        os.waitpid(pid, 0)
        raise LaunchError(message)
    if ends is None:
        return Started(pid, master, -1, master if launch["stdin"] else -1, True)
    return Started(pid, ends.out, ends.err, ends.stdin, False)


def _run_plain(launch: Launch, ends: _Ends | None, slave: int, complain: int) -> None:
    """Never returns. In a child: become the command; what fails is written to `complain`."""
    message = ""
    try:
        os.setsid()
        if ends is not None:
            ends.use_in_child()
        else:
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            for target in range(3):
                os.dup2(slave, target)
        become_command(launch)
    except LaunchError as error:
        message = str(error)
    except OSError as error:
        message = f"{error.strerror}: {error.filename}" if error.filename else str(error)
    finally:
        os.write(complain, (message or "could not start").encode())
        os._exit(127)


def become_command(launch: Launch) -> None:
    """Turn this process into the command. Never returns; raises `LaunchError` or `OSError`."""
    _default_signals()
    for descriptor, kind in launch.get("enter", ()):
        system.setns(descriptor, kind)
    if launch["binds"]:
        from wherry.node.runtimes.shim.binds import show_binds

        show_binds(launch["binds"], launch["scratch"])
    _become(launch["user"])
    os.chdir(launch["cwd"])
    system.prctl(system.PR_SET_PDEATHSIG, signal.SIGKILL)
    _exec(launch["argv"], launch["env"])


def _become(user: tuple[int, int, list[int]] | None) -> None:
    if user is not None:
        uid, gid, groups = user
        os.setgroups(groups)
        os.setgid(gid)
        os.setuid(uid)


def _exec(argv: list[str], env: dict[str, str]) -> None:
    """Become the command, found as Go's os/exec does it. Raises `LaunchError` with its wording."""
    name = argv[0]
    if "/" in name:
        candidates = [name]
    else:
        candidates = [os.path.join(folder or ".", name) for folder in env.get("PATH", "").split(":")]
    denied = False
    for path in candidates:
        try:
            os.execve(path, argv, env)
        except OSError as error:
            if error.errno == errno.ENOEXEC:
                raise LaunchError(f"exec {path}: exec format error") from None
            if "/" in name:
                raise LaunchError(_why_not(name, error)) from None
            denied = denied or (error.errno == errno.EACCES and os.path.isfile(path))
    why = "permission denied" if denied else "executable file not found in $PATH"
    raise LaunchError(f'exec: "{name}": {why}')


def _why_not(name: str, error: OSError) -> str:
    if error.errno == errno.ENOENT and not os.path.exists(name):
        return f'exec: "{name}": stat {name}: no such file or directory'
    if error.errno == errno.EACCES and os.path.isdir(name):
        return f'exec: "{name}": is a directory'
    if error.errno == errno.EACCES:
        return f'exec: "{name}": permission denied'
    return f"exec {name}: {os.strerror(error.errno or 0).lower()}"


def _default_signals() -> None:
    """A shim ignores what must not end it; its child must not inherit that."""
    for number in (signal.SIGPIPE, signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
