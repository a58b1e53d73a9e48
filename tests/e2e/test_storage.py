"""Data of real containers outlives their pods, the cluster's stop, and its sudden death; and goes with its claim."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Shell, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.root]

NAME = "storage"
DIARY = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: diary}
spec:
  serviceName: diary
  selector: {matchLabels: {app: diary}}
  template:
    metadata: {labels: {app: diary}}
    spec:
      terminationGracePeriodSeconds: 1
      securityContext: {runAsUser: 1234, runAsGroup: 1234, fsGroup: 4321}
      containers:
      - name: main
        image: wherry.local/host
        command: [sh, -c, "echo page >> /data/pages; exec sleep 86421"]
        volumeMounts: [{name: data, mountPath: /data}]
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""


def pages(shell: Shell) -> int:
    return shell.kubectl("exec", "diary-0", "--", "cat", "/data/pages", check=False).count("page")


def directories(shell: Shell) -> list[Path]:
    return list((shell.home / NAME / "nodes").glob("*/volumes/*"))


def test_data_stays_until_its_claim_goes(make_cluster: Callable[..., Shell]) -> None:
    shell = make_cluster(NAME, "--runtime", "oci")
    shell.kubectl("apply", "-f", "-", input=DIARY)
    eventually(lambda: pages(shell) == 1)
    (directory,) = directories(shell)
    assert directory.stat().st_gid == (directory / "pages").stat().st_gid == 4321
    assert (directory / "pages").stat().st_uid == 1234

    shell.kubectl("delete", "pod", "diary-0")
    eventually(lambda: pages(shell) == 2)

    shell.wherry("stop", NAME)
    shell.wherry("start", NAME)
    eventually(lambda: pages(shell) == 3)

    os.kill(shell.pid(), signal.SIGKILL)
    shell.wherry("up", NAME)
    eventually(lambda: pages(shell) == 3)  # the container went on all the while

    shell.kubectl("delete", "statefulset", "diary")
    shell.kubectl("delete", "pvc", "data-diary-0")
    eventually(lambda: directories(shell) == [])
