"""Pod security by the administrator's file: what holds where namespaces are silent, and who is exempt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from wherry.apiserver.admission.configuration import read_admission
from wherry.apiserver.config import ServerConfig
from wherry.apiserver.configuration.problems import ConfigurationError
from wherry.base.fake_clock import FakeClock
from wherry.distro.api_server_files import server_options
from wherry.policy.user import AUTHENTICATED, User
from wherry.testing.apiserver import in_process_server
from wherry.testing.http import Api
from wherry.testing.manifests import pod

PODS = "/api/v1/namespaces/{}/pods"
LABEL = "pod-security.kubernetes.io/"


def configuration(**fields: Any) -> dict[str, Any]:
    header = {"apiVersion": "pod-security.admission.config.k8s.io/v1", "kind": "PodSecurityConfiguration"}
    return {**header, **fields}


def write(path: Path, plugin: dict[str, Any]) -> Path:
    header = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AdmissionConfiguration"}
    path.write_text(yaml.safe_dump({**header, "plugins": [{"name": "PodSecurity", **plugin}]}))
    return path


async def test_defaults_and_exemptions(tmp_path: Path) -> None:
    exemptions = {"namespaces": ["system"], "usernames": ["robot"], "runtimeClasses": ["sandbox"]}
    (tmp_path / "pods.yaml").write_text(
        yaml.safe_dump(configuration(defaults={"enforce": "restricted"}, exemptions=exemptions))
    )
    settings = {"admissionConfig": str(write(tmp_path / "admission.yaml", {"path": "pods.yaml"}))}
    clock = FakeClock()
    async with in_process_server(clock=clock, config=ServerConfig(**server_options(settings))) as server:
        api = Api(server, clock)
        for name, level in (("silent", None), ("open", "privileged"), ("system", "baseline")):
            labels = {"labels": {f"{LABEL}enforce": level}} if level else {}
            made = await api("POST", "/api/v1/namespaces", {"metadata": {"name": name, **labels}})
            if name == "system":
                assert made.headers["Warning"] == (
                    '299 - "namespace \\"system\\" is exempt from Pod Security, and the policy (enforce=baseline:latest) '
                    'will be ignored"'
                )
        answers = {name: await api("POST", PODS.format(name), pod("a")) for name in ("silent", "open", "system")}
        assert {name: answer.status for name, answer in answers.items()} == {"silent": 403, "open": 201, "system": 201}
        assert 'violates PodSecurity "restricted:latest"' in answers["silent"].message
        await api.create("/apis/node.k8s.io/v1/runtimeclasses", {"metadata": {"name": "sandbox"}, "handler": "sandbox"})
        inside = pod("b")
        inside["spec"]["runtimeClassName"] = "sandbox"
        assert (await api("POST", PODS.format("silent"), inside)).status == 201
        api.user = User("robot", (AUTHENTICATED,))
        assert (await api("POST", PODS.format("silent"), pod("c"))).status == 201


async def test_what_is_enforced_is_warned_about_too() -> None:
    clock = FakeClock()
    async with in_process_server(clock=clock) as server:
        api = Api(server, clock)
        labels = {f"{LABEL}enforce": "restricted"}
        await api.create("/api/v1/namespaces", {"metadata": {"name": "team", "labels": labels}})
        spec = {"selector": {"matchLabels": {"a": "b"}}, "template": {**pod("x"), "metadata": {"labels": {"a": "b"}}}}
        body = {"metadata": {"name": "web"}, "spec": spec}
        made = await api("POST", "/apis/apps/v1/namespaces/team/deployments", body)
        assert made.status == 201 and 'would violate PodSecurity \\"restricted:latest\\"' in made.headers["Warning"]


@pytest.mark.parametrize(
    ("plugin", "told"),
    [
        ({"name": "EventRateLimit"}, r'plugins\[0\].name: Unsupported value: "EventRateLimit"'),
        ({"configuration": {"kind": "Other"}}, "a PodSecurityConfiguration of .* is expected"),
        ({"configuration": configuration(defaults={"enforce": "strict"})}, "defaults.enforce: Invalid value"),
        ({"configuration": configuration(exemptions={"users": []})}, "unknown field .*exemptions.users"),
        ({"path": "missing.yaml"}, "missing.yaml: cannot be read"),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path: Path, plugin: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        read_admission(write(tmp_path / "admission.yaml", plugin))
