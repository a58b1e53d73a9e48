"""The OCI runtime's program: which one, and what its log says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wherry.node.runtimes.port import RuntimeFailure

CANDIDATES = ("runc", "crun")


@dataclass(frozen=True, slots=True)
class Tool:
    """A program that speaks runc's command line. `state` is the directory of its own notes."""

    path: str
    version: str
    state: Path

    def command(self, log: Path, *arguments: str) -> list[str]:
        return [self.path, "--root", str(self.state), "--log", str(log), "--log-format", "json", *arguments]


def find_tool(state: Path, path: str | None = None) -> Tool:
    """The first that is here. Raises `RuntimeFailure` with how to get one."""
    found = path or next((one for name in CANDIDATES if (one := shutil.which(name, path=_search_path()))), None)
    if found is None:
        raise RuntimeFailure("neither runc nor crun is installed; on Debian and Ubuntu: apt-get install runc")
    try:
        result = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise RuntimeFailure(f"{found} does not work: {error}") from error
    return Tool(found, parse_version(result.stdout), state)


def _search_path() -> str:
    import os

    return os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin:/sbin"


def parse_version(text: str) -> str:
    """`runc version 1.1.5+ds1` -> `runc 1.1.5+ds1`."""
    match = re.search(r"^(\w+) version (\S+)", text, re.MULTILINE)
    return f"{match[1]} {match[2]}" if match else "unknown"


def failure(log: Path, doing: str) -> str:
    """The error of the log as container users know it: `OCI runtime create failed: runc create failed: ...: unknown`."""
    try:
        text = log.read_text(errors="replace")
    except OSError:
        text = ""
    return f"OCI runtime {doing} failed: {last_error(text.splitlines()) or 'it did not say why'}: unknown"


def last_error(lines: Sequence[str]) -> str:
    """The message of the last error in a JSON log. Pure."""
    message = ""
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and entry.get("level") in ("error", "fatal"):
            message = str(entry.get("msg", "")).strip()
    return re.sub(r"^(runc|crun) run failed", r"\1 create failed", message)
