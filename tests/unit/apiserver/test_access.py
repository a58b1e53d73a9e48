"""Who gets in and who may do what: certificates, tokens, RBAC, impersonation, reviews."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from wherry.apiserver.config import ServerConfig
from wherry.base.fake_clock import FakeClock
from wherry.policy.user import User
from wherry.testing.apiserver import ADMIN, in_process_server
from wherry.testing.certificates import request_pem
from wherry.testing.http import Api
from wherry.testing.manifests import MAPS, PODS, config_map, pod
from wherry.wire.messages import Peer

ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
REVIEWS = "/apis/authorization.k8s.io/v1"


def signing_key() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.fixture
async def api(clock: FakeClock) -> AsyncIterator[Api]:
    config = ServerConfig(
        rbac=True, service_account_key=signing_key(), static_tokens={"secret": User("jane", ("devs",))}
    )
    async with in_process_server(clock=clock, config=config, service_accounts=True) as server:
        yield Api(server, clock)


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def allow(api: Api, user: str, verb: str, resource: str) -> None:
    rules = [{"apiGroups": [""], "resources": [resource], "verbs": [verb]}]
    name = f"{user}-{verb}".replace(":", "-")
    await api.create(f"{RBAC}/clusterroles", {"metadata": {"name": name}, "rules": rules})
    subject = {"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}
    role = {"kind": "ClusterRole", "name": name, "apiGroup": "rbac.authorization.k8s.io"}
    body = {"metadata": {"name": name}, "subjects": [subject], "roleRef": role}
    await api.create(f"{RBAC}/clusterrolebindings", body)


async def test_nobody_in_particular_may_ask_for_health_only(api: Api) -> None:
    api.user = None
    assert (await api("GET", "/readyz")).status == 200
    assert (await api("GET", "/version")).status == 200
    answer = await api("GET", MAPS)
    assert (answer.status, answer.reason) == (403, "Forbidden")
    assert answer.message == (
        'configmaps is forbidden: User "system:anonymous" cannot list resource "configmaps" in API group "" '
        'in the namespace "default"'
    )
    assert (await api("GET", "/metrics")).message == 'forbidden: User "system:anonymous" cannot get path "/metrics"'


async def test_a_wrong_token_is_unauthorized(api: Api) -> None:
    api.user = None
    answer = await api("GET", MAPS, headers=bearer("wrong"))
    assert (answer.status, answer.reason, answer.message) == (401, "Unauthorized", "Unauthorized")


async def test_a_certificate_names_user_and_groups(api: Api) -> None:
    api.user = None
    subject = ((("organizationName", "system:masters"),), (("commonName", "admin"),))
    peer = Peer("127.0.0.1", 1, {"subject": subject}, b"der")
    assert (await api("GET", MAPS, peer=peer)).status == 200
    review = await api("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {}, peer=peer)
    assert review.body["status"]["userInfo"]["groups"] == ["system:masters", "system:authenticated"]


async def test_roles_count_from_the_moment_they_are_written(api: Api) -> None:
    jane = bearer("secret")
    await allow(api, "jane", "get", "configmaps")
    await api.create(MAPS, config_map("a"))
    api.user = None
    assert (await api("GET", f"{MAPS}/a", headers=jane)).status == 200
    assert (await api("DELETE", f"{MAPS}/a", headers=jane)).status == 403
    api.user = ADMIN
    await api("DELETE", f"{RBAC}/clusterrolebindings/jane-get")
    api.user = None
    assert (await api("GET", f"{MAPS}/a", headers=jane)).status == 403


async def test_nobody_gives_more_than_they_have(api: Api) -> None:
    await allow(api, "jane", "create", "configmaps")
    api.user = User("jane", ("system:authenticated",))
    role = {"metadata": {"name": "more"}, "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]}
    refused = await api("POST", f"{RBAC}/clusterroles", role)
    assert refused.status == 403


async def test_impersonation_needs_permission(api: Api) -> None:
    as_bob = {"impersonate-user": "bob", "impersonate-group": "devs"}
    answer = await api("GET", MAPS, headers=as_bob)
    assert 'User "bob" cannot list resource "configmaps"' in answer.message
    api.user = None
    refused = await api("GET", MAPS, headers={**as_bob, **bearer("secret")})
    assert 'User "jane" cannot impersonate resource "users"' in refused.message


async def test_access_reviews_answer_what_requests_would_get(api: Api) -> None:
    await allow(api, "jane", "get", "configmaps")
    wish = {"verb": "get", "resource": "configmaps", "namespace": "default"}
    other = {"spec": {"user": "jane", "resourceAttributes": wish}}
    assert (await api("POST", f"{REVIEWS}/subjectaccessreviews", other)).body["status"] == {
        "allowed": True,
        "reason": 'RBAC: allowed by ClusterRoleBinding "jane-get" of ClusterRole "jane-get" to User "jane"',
    }
    api.user = User("jane", ("system:authenticated",))
    mine = {"spec": {"resourceAttributes": {**wish, "verb": "delete"}}}
    assert (await api("POST", f"{REVIEWS}/selfsubjectaccessreviews", mine)).body["status"]["allowed"] is False
    rules = await api("POST", f"{REVIEWS}/selfsubjectrulesreviews", {"spec": {"namespace": "default"}})
    assert {"verbs": ["get"], "apiGroups": [""], "resources": ["configmaps"]} in rules.body["status"]["resourceRules"]
    wrong = await api("POST", f"{REVIEWS}/selfsubjectaccessreviews", {"spec": {}})
    assert wrong.status == 422


async def test_tokens_stand_for_their_account_until_it_goes(api: Api) -> None:
    await api.create(ACCOUNTS, {"metadata": {"name": "robot"}})
    answer = await api("POST", f"{ACCOUNTS}/robot/token", {"spec": {"expirationSeconds": 600}})
    assert answer.status == 201
    token = answer.body["status"]["token"]
    await allow(api, "system:serviceaccount:default:robot", "list", "configmaps")
    api.user = None
    assert (await api("GET", MAPS, headers=bearer(token))).status == 200
    await api.clock.advance(661)  # with the minute of leeway that upstream gives, too
    assert (await api("GET", MAPS, headers=bearer(token))).status == 401


async def test_tokens_go_with_the_pod_they_are_bound_to(api: Api) -> None:
    await api.create(ACCOUNTS, {"metadata": {"name": "robot"}})
    body = pod("a")
    body["spec"]["serviceAccountName"] = "robot"
    bound = await api.create(PODS, body)
    reference = {"kind": "Pod", "apiVersion": "v1", "name": "a", "uid": bound["metadata"]["uid"]}
    spec = {"spec": {"audiences": ["vault"], "boundObjectRef": reference}}
    token = (await api("POST", f"{ACCOUNTS}/robot/token", spec)).body["status"]["token"]
    review = {"spec": {"token": token, "audiences": ["vault"]}}
    reviews = "/apis/authentication.k8s.io/v1/tokenreviews"
    status = (await api("POST", reviews, review)).body["status"]
    assert status["authenticated"] is True
    assert status["user"]["username"] == "system:serviceaccount:default:robot"
    assert status["user"]["extra"]["authentication.kubernetes.io/pod-name"] == ["a"]
    api.user = None
    assert (await api("GET", MAPS, headers=bearer(token))).status == 401
    api.user = ADMIN
    await api("DELETE", f"{PODS}/a")
    assert "authenticated" not in (await api("POST", reviews, review)).body["status"]


async def test_short_tokens_are_refused(api: Api) -> None:
    await api.create(ACCOUNTS, {"metadata": {"name": "robot"}})
    answer = await api("POST", f"{ACCOUNTS}/robot/token", {"spec": {"expirationSeconds": 10}})
    assert (
        "spec.expirationSeconds: Invalid value: 10: may not specify a duration less than 10 minutes" in answer.message
    )


async def test_the_keys_of_tokens_are_published(api: Api) -> None:
    (key,) = (await api("GET", "/openid/v1/jwks")).body["keys"]
    assert (key["kty"], key["crv"], key["alg"]) == ("EC", "P-256", "ES256")


async def test_pods_need_their_account_and_get_its_token(api: Api) -> None:
    refused = await api("POST", PODS, pod("a"))
    assert refused.status == 403
    assert refused.message == (
        'pods "a" is forbidden: error looking up service account default/default: serviceaccount "default" not found'
    )
    await api.create(ACCOUNTS, {"metadata": {"name": "default"}})
    spec = (await api.create(PODS, pod("a")))["spec"]
    (volume,) = spec["volumes"]
    assert volume["name"].startswith("kube-api-access-")
    assert [next(iter(source)) for source in volume["projected"]["sources"]] == [
        "serviceAccountToken", "configMap", "downwardAPI",
    ]  # fmt: skip
    (mount,) = spec["containers"][0]["volumeMounts"]
    assert mount["mountPath"] == "/var/run/secrets/kubernetes.io/serviceaccount"


async def test_pods_get_tolerations_and_a_priority(api: Api) -> None:
    await api.create(ACCOUNTS, {"metadata": {"name": "default"}})
    spec = (await api.create(PODS, pod("a")))["spec"]
    assert [each["tolerationSeconds"] for each in spec["tolerations"]] == [300, 300]
    assert (spec["priority"], spec["preemptionPolicy"]) == (0, "PreemptLowerPriority")
    critical = pod("b")
    critical["spec"]["priorityClassName"] = "system-node-critical"
    assert (await api.create(PODS, critical))["spec"]["priority"] == 2_000_001_000
    critical["spec"]["priorityClassName"] = "none"
    refused = await api("POST", PODS, critical)
    assert refused.message == 'pods "b" is forbidden: no PriorityClass with name none was found'


async def test_new_nodes_take_no_pods_yet(api: Api) -> None:
    node = await api.create("/api/v1/nodes", {"metadata": {"name": "n1"}})
    assert node["spec"]["taints"] == [{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]


async def test_deciding_and_signing_certificate_requests_needs_the_signers_permission(api: Api) -> None:
    group = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
    spec = {"signerName": "example.com/own", "usages": ["client auth"], "request": request_pem("jane")}
    await api.create(group, {"metadata": {"name": "wish"}, "spec": spec})
    rules = [
        {
            "apiGroups": ["certificates.k8s.io"],
            "resources": ["certificatesigningrequests/approval", "certificatesigningrequests/status"],
            "verbs": ["update"],
        }
    ]
    await api.create(f"{RBAC}/clusterroles", {"metadata": {"name": "csr"}, "rules": rules})
    subject = {"kind": "User", "name": "jane", "apiGroup": "rbac.authorization.k8s.io"}
    role = {"kind": "ClusterRole", "name": "csr", "apiGroup": "rbac.authorization.k8s.io"}
    binding = {"metadata": {"name": "csr"}, "subjects": [subject], "roleRef": role}
    await api.create(f"{RBAC}/clusterrolebindings", binding)
    found = (await api("GET", f"{group}/wish")).body
    approved = {**found, "status": {"conditions": [{"type": "Approved", "status": "True", "reason": "x"}]}}
    failed = {**found, "status": {"conditions": [{"type": "Failed", "status": "True", "reason": "x"}]}}
    jane = User("jane", ("system:authenticated",))
    api.user = jane
    for subresource, body, verb in (("approval", approved, "approve"), ("status", failed, "sign")):
        answer = await api("PUT", f"{group}/wish/{subresource}", body)
        assert answer.status == 403
        assert answer.message == (
            'certificatesigningrequests.certificates.k8s.io "wish" is forbidden: '
            f'user not permitted to {verb} requests with signerName "example.com/own"'
        )
    api.user = ADMIN
    patch = [
        {
            "apiGroups": ["certificates.k8s.io"],
            "resources": ["signers"],
            "resourceNames": ["example.com/*"],
            "verbs": ["approve"],
        }
    ]
    await api.patch(f"{RBAC}/clusterroles/csr", {"rules": rules + patch})
    api.user = jane
    assert (await api("PUT", f"{group}/wish/approval", approved)).status == 200
