"""Tokens that are no OpenID Connect: from a file, for joining a cluster, from secrets, reviewed by somebody else."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from wherry.apiserver.authentication.jwt import SigningKey
from wherry.apiserver.config import ServerConfig
from wherry.base.fake_clock import FakeClock
from wherry.testing.apiserver import ADMIN, in_process_server
from wherry.testing.http import Answer, Api
from wherry.testing.manifests import pod
from wherry.testing.webhook import review_service

WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
REVIEW = "/apis/authentication.k8s.io/v1/tokenreviews"
SECRETS = "/api/v1/namespaces/kube-system/secrets"
TOKEN = "abcdef.0123456789abcdef"


@asynccontextmanager
async def serving(clock: FakeClock, **config: Any) -> AsyncIterator[Api]:
    async with in_process_server(clock=clock, config=ServerConfig(**config)) as server:
        api = Api(server, clock)
        yield api


async def ask(api: Api, token: str, **headers: str) -> Answer:
    user, api.user = api.user, None
    try:
        return await api("POST", WHO, {}, headers or {"authorization": f"Bearer {token}"})
    finally:
        api.user = user


async def bootstrap_secret(api: Api, **data: str) -> None:
    given = {
        "token-id": "abcdef",
        "token-secret": "0123456789abcdef",
        "usage-bootstrap-authentication": "true",
        **{key.replace("_", "-"): value for key, value in data.items()},
    }
    body = {
        "metadata": {"name": "bootstrap-token-abcdef"},
        "type": "bootstrap.kubernetes.io/token",
        "stringData": given,
    }
    await api("DELETE", f"{SECRETS}/bootstrap-token-abcdef")
    await api.create(SECRETS, body)


async def test_a_token_file_names_users_and_groups(clock: FakeClock, tmp_path: Path) -> None:
    path = tmp_path / "tokens.csv"
    path.write_text('t1,jane,7,"devs,ops"\nt2,joe,8\n')
    async with serving(clock, token_file=path) as api:
        info = (await ask(api, "t1")).body["status"]["userInfo"]
        assert info == {"username": "jane", "uid": "7", "groups": ["devs", "ops", "system:authenticated"]}
        assert (await ask(api, "t2")).body["status"]["userInfo"]["username"] == "joe"
        assert (await ask(api, "t3")).status == 401
        status = (await api("POST", REVIEW, {"spec": {"token": "t1"}})).body["status"]
        assert status["authenticated"] and status["audiences"] == ["https://kubernetes.default.svc.cluster.local"]


async def test_other_schemes_than_bearer_are_nobody(clock: FakeClock) -> None:
    async with serving(clock) as api:
        answer = await ask(api, "", authorization="Basic eDp5")
        assert answer.body["status"]["userInfo"]["username"] == "system:anonymous"


async def test_a_websocket_carries_its_token_as_a_protocol(clock: FakeClock, tmp_path: Path) -> None:
    path = tmp_path / "tokens.csv"
    path.write_text("secret,jane,7")
    async with serving(clock, token_file=path) as api:
        encoded = base64.urlsafe_b64encode(b"secret").decode().rstrip("=")
        name = "base64url.bearer.authorization.k8s.io."
        answer = await ask(api, "", **{"sec-websocket-protocol": f"{name}{encoded}, v5.channel.k8s.io"})
        assert answer.body["status"]["userInfo"]["username"] == "jane"
        assert (await ask(api, "", **{"sec-websocket-protocol": f"{name}{encoded}"})).status == 401


async def test_a_bootstrap_token_is_good_for_its_groups_until_it_expires(clock: FakeClock) -> None:
    async with serving(clock) as api:
        assert (await ask(api, TOKEN)).status == 401
        await bootstrap_secret(
            api, auth_extra_groups="system:bootstrappers:kubeadm:x", expiration="2026-01-01T01:00:00Z"
        )
        info = (await ask(api, TOKEN)).body["status"]["userInfo"]
        assert info == {
            "username": "system:bootstrap:abcdef",
            "groups": ["system:bootstrappers", "system:bootstrappers:kubeadm:x", "system:authenticated"],
        }
        assert (await ask(api, "abcdef.0123456789abcdee")).status == 401
        assert (await api("POST", REVIEW, {"spec": {"token": TOKEN}})).body["status"]["authenticated"] is True
        await clock.advance(3601)
        assert (await ask(api, TOKEN)).status == 401


@pytest.mark.parametrize(
    "data",
    [
        {"usage_bootstrap_authentication": "false"},
        {"auth_extra_groups": "system:masters"},
        {"expiration": "soon"},
        {"token_id": "abcdeg"},
    ],
)
async def test_a_bootstrap_secret_that_is_not_in_order_lets_nobody_in(clock: FakeClock, data: dict[str, str]) -> None:
    async with serving(clock) as api:
        await bootstrap_secret(api, **data)
        assert (await ask(api, TOKEN)).status == 401


async def test_a_webhook_knows_tokens_and_is_asked_again_after_two_minutes(clock: FakeClock, tmp_path: Path) -> None:
    def decide(spec: dict[str, Any]) -> dict[str, Any]:
        if spec["token"] != "remote":
            return {"authenticated": False, "error": "never heard of it"}
        return {"authenticated": True, "user": {"username": "rita", "groups": ["far"], "extra": {"x": ["y"]}}}

    async with (
        review_service(tmp_path, decide) as service,
        serving(clock, authentication_webhook=service.kubeconfig) as api,
    ):
        asked = service.asked
        for _ in range(3):
            info = (await ask(api, "remote")).body["status"]["userInfo"]
            assert info == {"username": "rita", "groups": ["far", "system:authenticated"], "extra": {"x": ["y"]}}
        assert len(asked) == 1
        assert (asked[0]["apiVersion"], asked[0]["kind"]) == ("authentication.k8s.io/v1", "TokenReview")
        await clock.advance(121)
        assert (await ask(api, "remote")).status == 201
        assert len(asked) == 2
        assert (await ask(api, "other")).status == 401
        api.user = ADMIN
        status = (await api("POST", REVIEW, {"spec": {"token": "other"}})).body["status"]
        assert "never heard of it" in status["error"]


@pytest.mark.parametrize(
    "status",
    [
        {},
        {"authenticated": "true"},
        {"authenticated": True},
        {"authenticated": True, "user": "rita"},
        {"authenticated": True, "user": {"username": ""}},
        {"authenticated": True, "user": {"username": "rita"}, "audiences": "all"},
    ],
)
async def test_an_answer_that_names_nobody_lets_nobody_in(
    clock: FakeClock, tmp_path: Path, status: dict[str, Any]
) -> None:
    async with (
        review_service(tmp_path, lambda spec: status) as service,
        serving(clock, authentication_webhook=service.kubeconfig) as api,
    ):
        assert (await ask(api, "remote")).status == 401


async def test_a_webhook_that_answers_for_other_audiences_does_not_count(clock: FakeClock, tmp_path: Path) -> None:
    def decide(spec: dict[str, Any]) -> dict[str, Any]:
        return {"authenticated": True, "user": {"username": "rita"}, "audiences": ["elsewhere"]}

    async with (
        review_service(tmp_path, decide) as service,
        serving(clock, authentication_webhook=service.kubeconfig) as api,
    ):
        assert (await ask(api, "remote")).status == 401


async def test_a_token_kept_in_a_secret_is_good_while_the_secret_holds_it(clock: FakeClock) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    async with serving(clock, service_account_key=pem) as api:
        where = "/api/v1/namespaces/default"
        account = await api.create(f"{where}/serviceaccounts", {"metadata": {"name": "robot"}})
        prefix = "kubernetes.io/serviceaccount/"
        token = SigningKey(pem).sign(
            {
                "iss": "kubernetes/serviceaccount",
                prefix + "namespace": "default",
                prefix + "secret.name": "kept",
                prefix + "service-account.name": "robot",
                prefix + "service-account.uid": account["metadata"]["uid"],
                "sub": "system:serviceaccount:default:robot",
            }
        )
        assert (await ask(api, token)).status == 401, "nobody keeps it"
        annotations = {"kubernetes.io/service-account.name": "robot"}
        body = {
            "metadata": {"name": "kept", "annotations": annotations},
            "type": "kubernetes.io/service-account-token",
            "stringData": {"token": token},
        }
        await api.create(f"{where}/secrets", body)
        info = (await ask(api, token)).body["status"]["userInfo"]
        assert info["username"] == "system:serviceaccount:default:robot"
        await clock.advance(10 * 365 * 86400)
        assert (await ask(api, token)).status == 201, "it does not expire"
        await api.patch(f"{where}/secrets/kept", {"stringData": {"token": "another"}})
        assert (await ask(api, token)).status == 401


async def test_a_bound_token_dies_a_minute_after_its_pod_was_to_be_gone(clock: FakeClock) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    async with serving(clock, service_account_key=pem) as api:
        where = "/api/v1/namespaces/default"
        await api.create(f"{where}/serviceaccounts", {"metadata": {"name": "robot"}})
        body = pod("one")
        body["metadata"]["finalizers"] = ["example.com/wait"]
        body["spec"]["serviceAccountName"] = "robot"
        await api.create(f"{where}/pods", body)
        reference = {"apiVersion": "v1", "kind": "Pod", "name": "one"}
        request = {"spec": {"boundObjectRef": reference, "expirationSeconds": 3600}}
        token = (await api("POST", f"{where}/serviceaccounts/robot/token", request)).body["status"]["token"]
        await api("DELETE", f"{where}/pods/one", {"gracePeriodSeconds": 0})
        assert (await ask(api, token)).status == 201
        await clock.advance(62)
        assert (await ask(api, token)).status == 401
