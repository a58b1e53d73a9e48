"""Driving a server with wrk: 1 thread, 32 connections, over TLS; the load that the original was measured with."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_BAD = re.compile(r"Non-2xx or 3xx responses: (\d+)")


@dataclass(frozen=True, slots=True)
class Load:
    """One kind of request. In `body`, `%d` becomes a number that is never used twice; in `path`, one below `names`.

    Where the body has two, the first is that of the path.
    """

    path: str
    method: str = "GET"
    body: str = ""
    media: str = "application/json"
    names: int = 100
    connections: int = 32
    seconds: int = 8


_NUMBERS = ("", ":format(n)", ":format(n % {names}, n)")
_SCRIPT = """
local n = 0
wrk.method = "{method}"
{headers}
function request()
  n = n + 1
  return wrk.format(nil, {path}, nil, {body})
end
"""


def rate(server: str, load: Load, *, token: str = "") -> float:
    """Requests per second; raises `RuntimeError` when a tenth of them or more failed."""
    if shutil.which("wrk") is None:
        raise RuntimeError("wrk is not installed: apt-get install wrk")
    headers = {"Content-Type": load.media, "Accept": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    lines = "\n".join(f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items())
    body = f"([==[{load.body}]==])" + _NUMBERS[load.body.count("%d")].format(names=load.names) if load.body else "nil"
    path = f'("{load.path}"):format(n % {load.names})' if "%d" in load.path else "nil"
    with tempfile.TemporaryDirectory() as directory:
        script = Path(directory, "load.lua")
        script.write_text(_SCRIPT.format(method=load.method, headers=lines, path=path, body=body))
        url = server + load.path.replace("%d", "0")
        command = ["wrk", "-t1", f"-c{load.connections}", f"-d{load.seconds}s", "-s", str(script), url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=load.seconds + 30, check=True)
    found = _RATE.search(done.stdout)
    if found is None:
        raise RuntimeError(f"wrk said:\n{done.stdout}\n{done.stderr}")
    bad = _BAD.search(done.stdout)
    if bad and int(bad[1]) > float(found[1]) * load.seconds / 10:
        raise RuntimeError(f"{load.method} {load.path}: {bad[1]} requests failed")
    return float(found[1])
