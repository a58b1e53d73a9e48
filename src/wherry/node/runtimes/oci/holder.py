"""The init of a pod's shared PID namespace: holds it, and waits for orphans. Runs under `python -I -S`.

Argument: the package's folder, the file to pin the namespace to. Prints the init's pid and goes away.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]
import os
import sys

from wherry.node.runtimes.shim import system


def main() -> None:
    system.unshare(system.CLONE_NEWPID)
    ready, go = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(go)
        _hold(ready)
    try:
        system.mount(f"/proc/{pid}/ns/pid", sys.argv[2], flags=system.MS_BIND)
    except OSError as error:
        os.kill(pid, signal.SIGKILL)
        raise SystemExit(str(error)) from error
    os.write(1, f"{pid}\n".encode())
    os.write(go, b".")


def _hold(ready: int) -> None:
    """Never returns. Ends at once when the parent could not pin the namespace."""
    if os.read(ready, 1) != b".":
        os._exit(1)
    os.setsid()
    os.chdir("/")
    system.set_name(b"pause")
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(null, descriptor)
    os.closerange(3, 64)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        try:
            while os.waitpid(-1, 0):
                pass
        except ChildProcessError:
            signal.pause()
