"""Certificate requests from their making to their end: who may decide, what is signed, for how long, and when they go."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from wherry.api.errors import Forbidden, Invalid
from wherry.base.fake_clock import FakeClock
from wherry.base.times import rfc3339
from wherry.controllers.context import Config
from wherry.distro.pki import Authority
from wherry.testing.certificates import request_pem
from wherry.testing.controllers import Cluster, ClusterFactory

CSR = "certificatesigningrequests"
CLIENT = ("kubernetes.io/kube-apiserver-client", ["client auth"])
KUBELET = ("kubernetes.io/kube-apiserver-client-kubelet", ["digital signature", "client auth"])
SERVING = ("kubernetes.io/kubelet-serving", ["digital signature", "key encipherment", "server auth"])


def request(kind: tuple[str, list[str]], content: str, **spec: Any) -> dict[str, Any]:
    signer, usages = kind
    return {"metadata": {"name": "wish"}, "spec": {"signerName": signer, "usages": usages, "request": content, **spec}}


@pytest.fixture
async def cluster(cluster_of: ClusterFactory, tmp_path: Path) -> Cluster:
    authority = Authority(tmp_path, clock=FakeClock())
    ca = authority.ensure()
    config = Config(signing_authority=(ca, authority.pair.key.read_bytes()), signing_seconds=30 * 86400)
    return await cluster_of("csrapproving", "csrsigning", "csrcleaner", config=config)


async def decide(cluster: Cluster, type: str = "Approved") -> None:
    found = await cluster.client.get(CSR, "wish")
    status = {"conditions": [{"type": type, "status": "True", "reason": "Test", "message": "so be it"}]}
    await cluster.client.update(CSR, {**found, "status": status}, subresource="approval")
    await cluster.settle(1)


async def certificate(cluster: Cluster) -> x509.Certificate:
    status = (await cluster.client.get(CSR, "wish"))["status"]
    return x509.load_pem_x509_certificate(base64.b64decode(status["certificate"]))


async def test_what_is_approved_is_signed_for_its_uses_and_its_time(cluster: Cluster) -> None:
    await cluster.client.create(CSR, request(CLIENT, request_pem("jane", ("devs",)), expirationSeconds=3600))
    await cluster.settle(1)
    assert "certificate" not in (await cluster.client.get(CSR, "wish")).get("status", {})
    await decide(cluster)
    signed, now = await certificate(cluster), datetime.fromtimestamp(cluster.clock.now(), UTC)
    assert signed.subject.rfc4514_string() == "CN=jane,O=devs"
    usage = signed.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert abs(signed.not_valid_before_utc - (now - timedelta(minutes=5))) < timedelta(seconds=5)
    assert abs(signed.not_valid_after_utc - (now + timedelta(hours=1))) < timedelta(seconds=5)
    assert not signed.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


async def test_nobody_gets_longer_than_the_cluster_gives(cluster: Cluster) -> None:
    await cluster.client.create(CSR, request(CLIENT, request_pem("jane"), expirationSeconds=400 * 86400))
    await decide(cluster)
    signed = await certificate(cluster)
    assert signed.not_valid_after_utc - signed.not_valid_before_utc == timedelta(days=30)


async def test_what_the_signer_does_not_sign_fails_and_says_why(cluster: Cluster) -> None:
    await cluster.client.create(CSR, request(SERVING, request_pem("system:node:n1", ("system:nodes",))))
    await decide(cluster)
    found = (await cluster.client.get(CSR, "wish"))["status"]
    failed = next(each for each in found["conditions"] if each["type"] == "Failed")
    assert (failed["reason"], failed["message"]) == (
        "SignerValidationFailure",
        "DNS or IP subjectAltName is required",
    )
    assert "certificate" not in found


async def test_a_nodes_own_client_certificate_is_approved_by_itself(cluster: Cluster) -> None:
    await cluster.client.create(CSR, request(KUBELET, request_pem("kubernetes-admin", ("system:nodes",))))
    await cluster.settle(1)
    assert "conditions" not in (await cluster.client.get(CSR, "wish")).get("status", {}), "the name is no node's"
    await cluster.client.delete(CSR, "wish")
    await cluster.client.create(CSR, request(KUBELET, request_pem("system:node:n1", ("system:nodes",))))
    await cluster.settle(1)
    status = (await cluster.client.get(CSR, "wish"))["status"]
    assert status["conditions"][0]["reason"] == "AutoApproved"
    assert status["conditions"][0]["message"] == (
        "Auto approving kubelet client certificate after SubjectAccessReview."
    )
    assert (await certificate(cluster)).subject.rfc4514_string() == "CN=system:node:n1,O=system:nodes"


async def test_requests_that_may_not_be_are_refused(cluster: Cluster) -> None:
    with pytest.raises(Forbidden) as refused:
        await cluster.client.create(CSR, request(CLIENT, request_pem("jane", ("system:masters",))))
    assert str(refused.value) == (
        'certificatesigningrequests.certificates.k8s.io "wish" is forbidden: '
        "use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed"
    )
    with pytest.raises(Invalid, match=r"PEM block type must be CERTIFICATE REQUEST"):
        await cluster.client.create(CSR, request(CLIENT, base64.b64encode(b"nonsense").decode()))
    with pytest.raises(Invalid, match=r"the legacy signerName is not allowed"):
        await cluster.client.create(CSR, request(("kubernetes.io/legacy-unknown", ["client auth"]), request_pem("x")))


async def test_what_was_decided_stays_decided(cluster: Cluster) -> None:
    await cluster.client.create(CSR, request(CLIENT, request_pem("jane")))
    await decide(cluster)
    found = await cluster.client.get(CSR, "wish")
    with pytest.raises(Invalid, match=r"updates may not remove a condition of type \"Approved\""):
        await cluster.client.update(CSR, {**found, "status": {}}, subresource="approval")
    both = [*found["status"]["conditions"], {"type": "Denied", "status": "True"}]
    with pytest.raises(Invalid, match=r"mutually exclusive"):
        await cluster.client.update(CSR, {**found, "status": {"conditions": both}}, subresource="approval")
    other = {**found["status"], "certificate": base64.b64encode(b"-----BEGIN CERTIFICATE-----").decode()}
    with pytest.raises(Invalid, match=r"updates may not modify existing certificate content"):
        await cluster.client.update(CSR, {**found, "status": other}, subresource="status")


@pytest.mark.parametrize(("decision", "seconds"), [("Approved", 3600), ("Denied", 3600), ("", 86400)])
async def test_requests_go_when_they_are_over(cluster: Cluster, decision: str, seconds: int) -> None:
    await cluster.client.create(CSR, request(CLIENT, request_pem("jane")))
    if decision:
        await decide(cluster, decision)
    await cluster.settle(seconds - 10)
    assert len((await cluster.client.list(CSR))["items"]) == 1, rfc3339(cluster.clock.now())
    await cluster.settle(20)
    assert (await cluster.client.list(CSR))["items"] == []
