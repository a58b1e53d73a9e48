"""What admission notes for the audit log gets there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import yaml
from tests.unit.apiserver.policies.conftest import MAPS, POLICIES, config_map, rule
from tests.unit.apiserver.webhooks.conftest import CONFIGURATIONS, webhook

from wherry.apiserver.audit.options import AuditOptions
from wherry.apiserver.config import ServerConfig
from wherry.base.fake_clock import FakeClock
from wherry.testing.apiserver import in_process_server
from wherry.testing.http import Api
from wherry.testing.webhooks import patch, webhook_server


async def test_policies_and_webhooks_annotate_the_event_of_the_request(tmp_path: Path) -> None:
    policy, log = tmp_path / "policy.yaml", tmp_path / "audit.log"
    rules = [{"level": "Metadata", "verbs": ["create"], "resources": [{"group": "", "resources": ["configmaps"]}]}]
    policy.write_text(yaml.safe_dump({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": rules}))
    clock = FakeClock()
    config = ServerConfig(audit=AuditOptions(policy=policy, log=log))
    add = {"op": "add", "path": "/data/b", "value": "x"}
    async with (
        webhook_server(tmp_path / "keys", lambda request: patch(add, auditAnnotations={"seen": "yes"})) as hook,
        in_process_server(clock=clock, config=config) as server,
    ):
        api = Api(server, clock)
        spec = {
            "matchConstraints": {"resourceRules": [rule("configmaps")]},
            "validations": [{"expression": "false", "message": "never"}],
            "auditAnnotations": [{"key": "count", "valueExpression": "'has ' + string(size(object.data))"}],
        }
        await api.create(f"{POLICIES}/validatingadmissionpolicies", {"metadata": {"name": "p"}, "spec": spec})
        binding = {"metadata": {"name": "b"}, "spec": {"policyName": "p", "validationActions": ["Audit"]}}
        await api.create(f"{POLICIES}/validatingadmissionpolicybindings", binding)
        hooks = {"metadata": {"name": "c"}, "webhooks": [webhook(hook)]}
        await api.create(f"{CONFIGURATIONS}/mutatingwebhookconfigurations", hooks)
        await api.create(MAPS, config_map(a="1"))
    found = _annotations(log)
    assert found["p/count"] == "has 2"
    assert found["check.example.org/seen"] == "yes"
    (failure,) = orjson.loads(found["validation.policy.admission.k8s.io/validation_failure"])
    assert failure == {
        "message": "never",
        "policy": "p",
        "binding": "b",
        "expressionIndex": 0,
        "validationActions": ["Audit"],
    }
    mutation = orjson.loads(found["mutation.webhook.admission.k8s.io/round_0_index_0"])
    assert mutation == {"configuration": "c", "webhook": "check.example.org", "mutated": True}


def _annotations(log: Path) -> dict[str, Any]:
    events = [orjson.loads(line) for line in log.read_bytes().splitlines()]
    found: dict[str, Any] = next(event["annotations"] for event in events if event["stage"] == "ResponseComplete")
    return found
