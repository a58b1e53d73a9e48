"""Nobody reads the time or sleeps by himself: components have a `Clock`, so that tests decide what time it is.

The exceptions are named here, each with its reason.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from .tree import SOURCE, files, parsed

FORBIDDEN = {
    ("time", "time"),
    ("time", "time_ns"),
    ("time", "sleep"),
    ("time", "monotonic"),
    ("time", "monotonic_ns"),
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
}
ALLOWED: Mapping[str, str] = {
    "base/clock.py": "it is the clock",
    "base/virtual_clock.py": "it ticks as the machine's does",
    "base/failpoints.py": "a failpoint may hold up a thread, to be killed there",
    "cli/": "a command shows a person how long something took",
    "distro/": "it starts and ends processes of the machine, and tells how long that took",
    "client/kubeconfig.py": "waits for another program's lock on the user's file",
    "node/runtimes/shim/": "a process of its own without an event loop; its times are the machine's",
    "node/runtimes/supervised/recovery.py": "waits for a process of the machine, in a thread",
    "node/runtimes/process/remnants.py": "waits for processes of the machine, in a thread",
    "node/runtimes/oci/cgroups.py": "waits for processes of the machine, in a thread",
}


def test_time_comes_from_the_clock() -> None:
    found = [
        f"{path.relative_to(SOURCE).as_posix()}:{line}"
        for path in files(".py", below=SOURCE)
        if not path.relative_to(SOURCE).as_posix().startswith(tuple(ALLOWED))
        for line in time_calls(path)
    ]
    assert not found, f"use the Clock that the component is given: {found}"


def test_every_exception_is_still_needed() -> None:
    unused = [
        place
        for place in ALLOWED
        if not any(
            path.relative_to(SOURCE).as_posix().startswith(place) and list(time_calls(path))
            for path in files(".py", below=SOURCE)
        )
    ]
    assert not unused, f"these read no time any more: {unused}"


def time_calls(path: Path) -> Iterator[int]:
    """The lines that name one of the forbidden functions, `asyncio.sleep` of more than nothing, or import one."""
    for node in ast.walk(parsed(path)):
        match node:
            case ast.Attribute(value=ast.Name(id=module), attr=function) if (module, function) in FORBIDDEN:
                yield node.lineno
            case ast.ImportFrom(module="time", names=names) if any(("time", one.name) in FORBIDDEN for one in names):
                yield node.lineno
            case ast.Call(func=ast.Attribute(value=ast.Name(id="asyncio"), attr="sleep"), args=[argument]):
                if not (isinstance(argument, ast.Constant) and argument.value == 0):
                    yield node.lineno
