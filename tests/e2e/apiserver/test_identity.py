"""kubectl and identity: certificates asked for and used, what may I do, who am I, roles reconciled."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from wherry.base.clock import RealClock
from wherry.base.tasks import cancel_and_wait
from wherry.controllers.context import Config
from wherry.controllers.manager import ControllerManager
from wherry.testing.apiserver import client_of
from wherry.testing.certificates import request_pem
from wherry.testing.served import Served, served

pytestmark = pytest.mark.e2e

REQUEST = """
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {name: jane}
spec:
  signerName: kubernetes.io/kube-apiserver-client
  usages: [client auth]
  expirationSeconds: 3600
  request: %s
"""
ROLES = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: readers}
rules:
- {apiGroups: [""], resources: [pods], verbs: [get, list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: readers}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: readers}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: devs}]
"""


class Kubectl:
    """`await kubectl("get", "pods")` gives what it prints."""

    def __init__(self, at: Served, directory: Path) -> None:
        self.at = at
        self.directory = directory

    async def __call__(self, *arguments: str, stdin: str = "", fails: bool = False, admin: bool = True) -> str:
        who = ["--kubeconfig", str(self.at.kubeconfig)]
        if not admin:
            ca = str(self.at.authority.pair.certificate)
            who = ["--kubeconfig", "/dev/null", "--server", self.at.url, "--certificate-authority", ca]
        process = await asyncio.create_subprocess_exec(
            "kubectl", *who, "--cache-dir", str(self.directory / "cache"), *arguments,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await asyncio.wait_for(process.communicate(stdin.encode()), 30)
        assert (process.returncode != 0) == fails, err.decode()
        return (out + err if fails else out).decode()


@pytest.fixture
async def kubectl(tmp_path: Path) -> AsyncIterator[Kubectl]:
    async with served(tmp_path) as at:
        pair = at.authority.pair
        config = Config(signing_authority=(pair.certificate.read_bytes(), pair.key.read_bytes()))
        client, names = client_of(at.server, clock=RealClock()), ("csrapproving", "csrsigning")
        work = asyncio.ensure_future(ControllerManager(client, RealClock(), config, enabled=names).run())
        try:
            yield Kubectl(at, tmp_path)
        finally:
            await cancel_and_wait(work)


async def test_an_approved_request_gives_a_certificate_that_lets_its_owner_in(kubectl: Kubectl, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    await kubectl("apply", "-f", "-", stdin=REQUEST % request_pem("jane", ("devs",), key=key))
    await kubectl("certificate", "approve", "jane")
    await kubectl("wait", "csr/jane", "--for=jsonpath={.status.certificate}", "--timeout=20s")
    certificate = await kubectl("get", "csr", "jane", "-o", "jsonpath={.status.certificate}")
    (tmp_path / "jane.crt").write_bytes(base64.b64decode(certificate))
    (tmp_path / "jane.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert (await kubectl("get", "csr")).splitlines()[1].split()[-1] == "Approved,Issued"
    jane = ("--client-certificate", str(tmp_path / "jane.crt"), "--client-key", str(tmp_path / "jane.key"))
    who = await kubectl("auth", "whoami", *jane, admin=False)
    assert "jane" in who and "[devs system:authenticated]" in who
    assert "no" in await kubectl("auth", "can-i", "list", "pods", *jane, fails=True, admin=False)
    await kubectl("auth", "reconcile", "-f", "-", stdin=ROLES)
    assert (await kubectl("auth", "can-i", "list", "pods", *jane, admin=False)).strip() == "yes"
    listed = (await kubectl("auth", "can-i", "--list", *jane, admin=False)).splitlines()
    assert ["pods", "[]", "[]", "[get", "list]"] in [line.split() for line in listed]


async def test_a_denied_request_stays_without_a_certificate(kubectl: Kubectl) -> None:
    await kubectl("apply", "-f", "-", stdin=REQUEST % request_pem("jane"))
    await kubectl("certificate", "deny", "jane")
    assert (await kubectl("get", "csr")).splitlines()[1].split()[-1] == "Denied"
    assert "already Denied" in await kubectl("certificate", "approve", "jane", "--force", fails=True)
    assert await kubectl("get", "csr", "jane", "-o", "jsonpath={.status.certificate}") == ""


async def test_reconciling_roles_again_adds_what_is_missing_and_keeps_what_is_there(kubectl: Kubectl) -> None:
    assert "reconciled" in await kubectl("auth", "reconcile", "-f", "-", stdin=ROLES)
    more = ROLES.replace("resources: [pods]", "resources: [services]")
    await kubectl("auth", "reconcile", "-f", "-", stdin=more)
    rules = await kubectl("get", "clusterrole", "readers", "-o", "jsonpath={.rules[*].resources}")
    assert "pods" in rules and "services" in rules
