"""`/version`: which Kubernetes this server is."""

from __future__ import annotations

import platform
from functools import cache

from wherry.api.types import Object
from wherry.apiserver.answers import data_reply
from wherry.apiserver.call import Answer, Call

GIT_VERSION = "v1.36.0"
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


@cache
def version() -> Object:
    from wherry import __version__

    machine = platform.machine().lower()
    return {
        "major": "1",
        "minor": "36",
        "emulationMajor": "1",
        "emulationMinor": "36",
        "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "35",
        "gitVersion": GIT_VERSION,
        "gitCommit": f"wherry-{__version__}",
        "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z",
        "goVersion": f"python{platform.python_version()}",
        "compiler": platform.python_implementation().lower(),
        "platform": f"{platform.system().lower()}/{_MACHINES.get(machine, machine)}",
    }


def handle(call: Call) -> Answer:
    return data_reply(call, version())
