"""Tokens of OpenID Connect issuers, as an AuthenticationConfiguration tells: whom they name, and which are refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from wherry.apiserver.authentication.jwt import encode_part
from wherry.apiserver.config import ServerConfig
from wherry.apiserver.configuration.problems import ConfigurationError
from wherry.base.fake_clock import FakeClock
from wherry.testing.apiserver import in_process_server
from wherry.testing.http import Answer, Api
from wherry.testing.identity_provider import Provider, ProviderKey, identity_provider

WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
REVIEW = "/apis/authentication.k8s.io/v1/tokenreviews"


@pytest.fixture
async def provider(clock: FakeClock, tmp_path: Path) -> AsyncIterator[Provider]:
    async with identity_provider(tmp_path, clock=clock) as found:
        yield found


def issuer(provider: Provider, **more: Any) -> dict[str, Any]:
    return {
        "issuer": {"url": provider.url, "certificateAuthority": provider.ca, "audiences": ["wherry"]},
        "claimMappings": {
            "username": {"claim": "sub", "prefix": "oidc:"},
            "groups": {"claim": "groups", "prefix": "oidc:"},
            "uid": {"claim": "oid"},
        },
        **more,
    }


def write(path: Path, jwt: list[dict[str, Any]], **more: Any) -> Path:
    header = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration"}
    path.write_text(yaml.safe_dump({**header, "jwt": jwt, **more}))
    return path


async def serving(path: Path, clock: FakeClock) -> AsyncIterator[Api]:
    async with in_process_server(clock=clock, config=ServerConfig(authentication_config=path)) as server:
        api = Api(server, clock)
        api.user = None
        yield api


@pytest.fixture
async def api(clock: FakeClock, provider: Provider, tmp_path: Path) -> AsyncIterator[Api]:
    rules = [{"claim": "tenant", "requiredValue": "acme"}]
    path = write(tmp_path / "authentication.yaml", [issuer(provider, claimValidationRules=rules)])
    async for found in serving(path, clock):
        yield found


CLAIMS = {"sub": "jane", "groups": ["dev", "ops"], "oid": "7", "tenant": "acme", "jti": "one"}


async def ask(api: Api, token: str) -> Answer:
    return await api("POST", WHO, {}, {"authorization": f"Bearer {token}"})


async def test_a_token_names_user_groups_and_uid(api: Api, provider: Provider) -> None:
    answer = await ask(api, provider.token(CLAIMS))
    assert answer.status == 201
    assert answer.body["status"]["userInfo"] == {
        "username": "oidc:jane",
        "uid": "7",
        "groups": ["oidc:dev", "oidc:ops", "system:authenticated"],
        "extra": {"authentication.kubernetes.io/credential-id": ["JTI=one"]},
    }
    assert (await ask(api, provider.token(CLAIMS))).status == 201
    assert provider.asked == ["/.well-known/openid-configuration", "/keys"], "keys are asked for once"


@pytest.mark.parametrize("algorithm", ["RS256", "PS384", "RS512", "ES384", "ES512", "EdDSA"])
async def test_every_algorithm_is_understood(api: Api, provider: Provider, algorithm: str) -> None:
    provider.keys = [ProviderKey("key", algorithm)]
    assert (await ask(api, provider.token(CLAIMS))).status == 201


async def test_tokens_that_are_not_good_are_refused(api: Api, provider: Provider) -> None:
    wrong = {
        "audience": provider.token({**CLAIMS, "aud": "somebody"}),
        "issuer": provider.token({**CLAIMS, "iss": "https://elsewhere"}),
        "time": provider.token(CLAIMS, seconds=-1),
        "begin": provider.token({**CLAIMS, "nbf": int(api.clock.now()) + 400}),
        "no end": provider.token({**CLAIMS, "exp": None}),
        "rule": provider.token({**CLAIMS, "tenant": "other"}),
        "no name": provider.token({**CLAIMS, "sub": None}),
        "key": provider.token(CLAIMS, key=ProviderKey("first")),
    }
    signature = provider.token(CLAIMS).partition(".")[2]
    wrong["unsigned"] = "eyJhbGciOiJub25lIn0." + signature.rpartition(".")[0] + "."
    for what, token in wrong.items():
        answer = await ask(api, token)
        assert (what, answer.status) == (what, 401)
        assert answer.message == "Unauthorized"


async def test_a_token_is_good_until_it_expires(api: Api, provider: Provider) -> None:
    token = provider.token(CLAIMS, seconds=60)
    assert (await ask(api, token)).status == 201
    await api.clock.advance(61)
    assert (await ask(api, token)).status == 401


async def test_new_keys_are_found_and_made_up_ones_do_not_make_us_ask_without_end(api: Api, provider: Provider) -> None:
    assert (await ask(api, provider.token(CLAIMS))).status == 201
    stranger = ProviderKey("stranger")
    for _ in range(5):
        assert (await ask(api, provider.token(CLAIMS, key=stranger))).status == 401
    assert provider.asked.count("/keys") == 1
    await api.clock.advance(11)
    provider.keys.append(stranger)
    assert (await ask(api, provider.token(CLAIMS, key=stranger))).status == 201
    assert provider.asked.count("/keys") == 2


async def test_an_issuer_that_says_to_be_another_is_not_believed(api: Api, provider: Provider) -> None:
    provider.issuer = "https://elsewhere"
    assert (await ask(api, provider.token(CLAIMS))).status == 401


async def test_a_changed_file_counts_without_a_restart_and_a_broken_one_does_not(
    clock: FakeClock, provider: Provider, tmp_path: Path
) -> None:
    path = write(tmp_path / "authentication.yaml", [])
    async for api in serving(path, clock):
        followed = api.server._authentication._followed
        assert followed is not None
        assert (await ask(api, provider.token(CLAIMS))).status == 401
        write(path, [issuer(provider)], anonymous={"enabled": True, "conditions": [{"path": "/livez"}]})
        followed.look()
        assert (await ask(api, provider.token(CLAIMS))).status == 201
        assert (await api("GET", "/livez")).status == 200
        assert (await api("GET", "/readyz")).status == 401
        path.write_text("kind: Nothing")
        followed.look()
        assert (await ask(api, provider.token(CLAIMS))).status == 201


async def test_reviews_know_these_tokens(api: Api, provider: Provider) -> None:
    from wherry.testing.apiserver import ADMIN

    token, api.user = provider.token(CLAIMS), ADMIN
    status = (await api("POST", REVIEW, {"spec": {"token": token}})).body["status"]
    assert (status["authenticated"], status["user"]["username"]) == (True, "oidc:jane")
    status = (await api("POST", REVIEW, {"spec": {"token": token, "audiences": ["other"]}})).body["status"]
    assert "authenticated" not in status and status["error"].startswith("[invalid bearer token, ")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"issuer": {"url": "http://x", "audiences": ["a"]}}, "URL scheme must be https"),
        ({"issuer": {"url": "https://x"}}, "at least one jwt[0].issuer.audiences is required"),
        ({"issuer": {"url": "https://x", "audiences": ["a", "b"]}}, "must be MatchAny for multiple audiences"),
        ({"claimMappings": {"username": {"claim": "sub"}}}, "prefix is required when claim is set"),
        ({"claimMappings": {}}, "jwt[0].claimMappings.username: Required value: claim or expression is required"),
        (
            {"claimMappings": {"username": {"expression": "claims.sub +"}}},
            "jwt[0].claimMappings.username.expression: Invalid value",
        ),
        (
            {"userValidationRules": [{"expression": "user.name == 'x'"}]},
            "jwt[0].userValidationRules.expression: Invalid value",
        ),
        ({"claimValidationRules": [{"expression": "'true'"}]}, "must evaluate to bool"),
        ({"misspelt": 1}, 'unknown field "jwt[0].misspelt"'),
    ],
)
async def test_a_wrong_configuration_is_told_with_its_field(
    clock: FakeClock, tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    good = {
        "issuer": {"url": "https://issuer.example", "audiences": ["a"]},
        "claimMappings": {"username": {"claim": "sub", "prefix": ""}},
    }
    path = write(tmp_path / "authentication.yaml", [{**good, **change}])
    with pytest.raises(ConfigurationError) as caught:
        async with in_process_server(clock=clock, config=ServerConfig(authentication_config=path)):
            pass
    assert told in str(caught.value) and str(path) in str(caught.value)


async def test_expressions_make_names_and_rules(clock: FakeClock, provider: Provider, tmp_path: Path) -> None:
    mappings = {
        "username": {"expression": "claims.email.split('@')[0] + ':' + claims.realm.name"},
        "groups": {"expression": "claims.roles.map(role, 'role:' + role)"},
        "uid": {"expression": "string(claims.number)"},
        "extra": [{"key": "example.com/tenant", "valueExpression": "claims.realm.name"}],
    }
    claim_rules = [{"expression": "claims.email_verified == true", "message": "verify your address"}]
    user_rules = [{"expression": "!user.username.startsWith('system:')", "message": "reserved"}]
    entry = issuer(provider, claimMappings=mappings, claimValidationRules=claim_rules, userValidationRules=user_rules)
    claims = {"email": "jane@x", "email_verified": True, "realm": {"name": "acme"}, "roles": ["a", "b"], "number": 7}
    async for api in serving(write(tmp_path / "authentication.yaml", [entry]), clock):
        assert (await ask(api, provider.token(claims))).body["status"]["userInfo"] == {
            "username": "jane:acme",
            "uid": "7",
            "groups": ["role:a", "role:b", "system:authenticated"],
            "extra": {"example.com/tenant": ["acme"]},
        }
        for wrong in ({"email_verified": False}, {"email": "system:node@x"}, {"roles": 7}, {"realm": {}}):
            assert (await ask(api, provider.token({**claims, **wrong}))).status == 401


async def test_nonsense_is_refused_and_nothing_breaks(api: Api, provider: Provider) -> None:
    good, deep = provider.token(CLAIMS).split(".")[1], "[" * 3000

    def made(head: str, claims: str = "", signature: str = "x") -> str:
        parts = [encode_part(head.encode()), encode_part(claims.encode()) if claims else good]
        return ".".join([*parts, encode_part(signature.encode())])

    tokens = [
        *("..", "a.b.c", "é.é.é", "x" * 100_000),
        made("[]"),
        made("{}", "7"),
        made(deep, deep),
        made("{}", '{"iss": ["https://x"]}'),
        made('{"alg": 7, "kid": ["first"]}'),
        made('{"alg": "ES256", "kid": "first"}', signature="short"),
        made('{"alg": "RS256", "kid": "first"}', signature="x" * 256),
        *(provider.token({**CLAIMS, **wrong}) for wrong in ({"aud": {"a": 1}}, {"exp": "soon"}, {"exp": True})),
        provider.token({**CLAIMS, "groups": [["dev"]]}),
    ]
    for token in tokens:
        assert (await ask(api, token)).status == 401, token[:80]


async def test_keys_that_are_no_keys_are_passed_over(api: Api, provider: Provider) -> None:
    class Nonsense(ProviderKey):
        def __init__(self, jwk: dict[str, Any]) -> None:
            self._jwk = jwk

        def jwk(self) -> dict[str, Any]:
            return self._jwk

    wrong = [{}, {"kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ"}, {"kty": "RSA", "n": "AQ", "e": "AQ"}, {"kty": []}]
    wrong += [{"kty": "oct", "k": "AQ"}, {"kty": "OKP", "crv": "Ed25519", "x": "AQ"}, {"kty": "EC", "crv": 7}]
    provider.keys += [Nonsense(each) for each in wrong]
    assert (await ask(api, provider.token(CLAIMS))).status == 201
