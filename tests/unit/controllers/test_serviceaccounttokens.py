"""Secrets that hold a service account's token, and bootstrap tokens: filled, signed with, and gone in time."""

from __future__ import annotations

import base64
from typing import Any

import orjson

from wherry.controllers.context import Config
from wherry.testing.controllers import ClusterFactory

TYPE = "kubernetes.io/service-account-token"
NAME = "kubernetes.io/service-account.name"


def secret(account: str) -> dict[str, Any]:
    return {
        "metadata": {"name": "token", "namespace": "default", "annotations": {NAME: account}},
        "type": TYPE,
    }


def signed(claims: dict[str, Any]) -> str:
    return orjson.dumps(claims).decode()


async def test_a_token_secret_is_filled_and_goes_with_its_account(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("serviceaccount-token", config=Config(root_ca="ca", sign_token=signed))
    account = await cluster.client.create("serviceaccounts", {"metadata": {"name": "robot", "namespace": "default"}})
    await cluster.client.create("secrets", secret("robot"))
    await cluster.settle(1)
    found = await cluster.get("secrets", "token")
    uid = account["metadata"]["uid"]
    data = {key: base64.b64decode(value).decode() for key, value in found["data"].items()}
    assert found["metadata"]["annotations"]["kubernetes.io/service-account.uid"] == uid
    assert (data["ca.crt"], data["namespace"]) == ("ca", "default")
    prefix = "kubernetes.io/serviceaccount/"
    assert orjson.loads(data["token"]) == {
        "iss": "kubernetes/serviceaccount",
        prefix + "namespace": "default",
        prefix + "secret.name": "token",
        prefix + "service-account.name": "robot",
        prefix + "service-account.uid": uid,
        "sub": "system:serviceaccount:default:robot",
    }
    await cluster.client.delete("serviceaccounts", "robot", namespace="default")
    await cluster.settle(1)
    assert not await cluster.exists("secrets", "token")


async def test_a_token_secret_of_nobody_is_removed(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("serviceaccount-token", config=Config(sign_token=signed))
    await cluster.client.create("secrets", secret("nobody"))
    await cluster.settle(1)
    assert not await cluster.exists("secrets", "token")


def bootstrap(token_id: str, **data: str) -> dict[str, Any]:
    given = {"token-id": token_id, "token-secret": "0123456789abcdef", **data}
    metadata = {"name": f"bootstrap-token-{token_id}", "namespace": "kube-system"}
    return {"metadata": metadata, "type": "bootstrap.kubernetes.io/token", "stringData": given}


async def test_bootstrap_tokens_go_at_the_second_they_expire(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("token-cleaner")
    await cluster.client.create("secrets", bootstrap("abcdef", expiration="2026-01-01T00:10:00Z"))
    await cluster.client.create("secrets", bootstrap("abcdeg"))
    await cluster.settle(590)
    assert await cluster.exists("secrets", "bootstrap-token-abcdef", "kube-system")
    await cluster.settle(11)
    assert not await cluster.exists("secrets", "bootstrap-token-abcdef", "kube-system")
    assert await cluster.exists("secrets", "bootstrap-token-abcdeg", "kube-system")


async def test_cluster_info_is_signed_with_every_token_that_may(cluster_of: ClusterFactory) -> None:
    from wherry.controllers.bootstrap.signer import detached

    cluster = await cluster_of("bootstrap-signer")
    info = {"metadata": {"name": "cluster-info", "namespace": "kube-public"}, "data": {"kubeconfig": "content"}}
    await cluster.client.create("configmaps", info)
    await cluster.client.create("secrets", bootstrap("abcdef", **{"usage-bootstrap-signing": "true"}))
    await cluster.client.create("secrets", bootstrap("abcdeg"))
    await cluster.settle(1)
    data = (await cluster.get("configmaps", "cluster-info", "kube-public"))["data"]
    assert data == {
        "kubeconfig": "content",
        "jws-kubeconfig-abcdef": detached(b"content", "abcdef", b"0123456789abcdef"),
    }
    head, payload, signature = data["jws-kubeconfig-abcdef"].split(".")
    assert base64.urlsafe_b64decode(head + "==") == b'{"alg":"HS256","kid":"abcdef"}'
    assert payload == "" and len(signature) == 43
    await cluster.client.delete("secrets", "bootstrap-token-abcdef", namespace="kube-system")
    await cluster.settle(1)
    data = (await cluster.get("configmaps", "cluster-info", "kube-public"))["data"]
    assert data == {"kubeconfig": "content"}
