"""Programs that a test runs against its cluster."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

from wherry.testing.cluster.plane import Plane

PATIENCE_SECONDS = 60


class KubectlFailed(AssertionError):
    """kubectl ended with another code than 0; the message has what it said."""


def environment(plane: Plane) -> dict[str, str]:
    """This process's, with the cluster's kubeconfig, and no proxy between."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return {**kept, "KUBECONFIG": str(plane.kubeconfig)}


def kubectl(plane: Plane, arguments: Sequence[str], text: str, check: bool) -> str:
    """What it printed on standard output; with `check`, any code but 0 raises `KubectlFailed`."""
    program = shutil.which("kubectl")
    if program is None:
        raise FileNotFoundError("kubectl is not on the PATH: install it, or use the cluster's own methods")
    done = subprocess.run(
        [program, *arguments],
        env=environment(plane),
        input=text,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    if check and done.returncode:
        raise KubectlFailed(f"kubectl {' '.join(arguments)}: exit code {done.returncode}: {done.stderr.strip()}")
    return done.stdout
