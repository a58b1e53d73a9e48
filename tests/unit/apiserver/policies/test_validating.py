"""ValidatingAdmissionPolicy: what is refused, in which words, and what expressions may look at."""

from __future__ import annotations

import pytest
from tests.unit.apiserver.policies.conftest import DEPLOYMENTS, MAPS, POLICIES, Enforce, config_map, deployment, rule

from wherry.api.types import Object
from wherry.apiserver.config import ServerConfig
from wherry.base.fake_clock import FakeClock
from wherry.policy.user import AUTHENTICATED, User
from wherry.testing.apiserver import in_process_server
from wherry.testing.http import Api

SHORT = "object.data.all(key, size(object.data[key]) < 5)"


async def test_what_does_not_hold_is_refused_in_the_words_of_the_policy(api: Api, enforce: Enforce) -> None:
    await enforce(SHORT)
    assert (await api("POST", MAPS, config_map(a="fine"))).status == 201
    answer = await api("POST", MAPS, config_map("other", a="too long"))
    message = f"ValidatingAdmissionPolicy 'p' with binding 'p-b' denied request: failed expression: {SHORT}"
    assert (answer.status, answer.reason) == (422, "Invalid")
    assert answer.message == f'configmaps "other" is forbidden: {message}'
    assert answer.body["details"]["causes"] == [{"message": message}]
    assert (await api.patch(f"{MAPS}/m", {"data": {"a": "much too long"}})).status == 422
    assert (await api.patch(f"{MAPS}/m", {"data": {"a": "ok"}})).status == 200


@pytest.mark.parametrize(
    ("validation", "message", "code"),
    [
        ({"message": "too long"}, "too long", 422),
        ({"message": "too long", "reason": "Forbidden"}, "too long", 403),
        ({"message": "no", "reason": "RequestEntityTooLarge"}, "no", 413),
        ({"message": "no", "messageExpression": "'is ' + object.data.a"}, "is too long", 422),
        ({"message": "no", "messageExpression": "'two\\nlines'"}, "no", 422),
        ({"message": "no", "messageExpression": "string(object.data.missing)"}, "no", 422),
    ],
)
async def test_messages_and_reasons(api: Api, enforce: Enforce, validation: Object, message: str, code: int) -> None:
    await enforce({"expression": SHORT, **validation})
    answer = await api("POST", MAPS, config_map(a="too long"))
    assert answer.status == code
    assert answer.message.endswith(f"denied request: {message}")


async def test_without_a_binding_a_policy_does_nothing_and_without_it_again(api: Api, enforce: Enforce) -> None:
    await enforce("false")
    assert (await api("POST", MAPS, config_map())).status == 422
    await api("DELETE", f"{POLICIES}/validatingadmissionpolicybindings/p-b")
    assert (await api("POST", MAPS, config_map())).status == 201


async def test_warn_and_audit_let_the_write_through(api: Api, enforce: Enforce) -> None:
    await enforce({"expression": "false", "message": "no"}, actions=("Warn", "Audit"))
    answer = await api("POST", MAPS, config_map())
    assert answer.status == 201
    warning = "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'p-b': no"
    assert answer.headers["Warning"] == f'299 - "{warning}"'
    series = (await api("GET", "/metrics")).raw.decode()
    labels = 'enforcement_action="warn",error_type="no_error",policy="p",policy_binding="p-b"'
    assert f"apiserver_validating_admission_policy_check_total{{{labels}}} 1" in series


async def test_expressions_see_the_request_the_namespace_and_both_objects(api: Api, enforce: Enforce) -> None:
    await api.patch("/api/v1/namespaces/default", {"metadata": {"labels": {"tier": "test"}}})
    await enforce(
        "request.operation == 'CREATE' ? oldObject == null : oldObject.data.a == 'old'",
        "request.userInfo.username == 'eve' && 'devs' in request.userInfo.groups",
        "request.kind.kind == 'ConfigMap' && request.resource.resource == 'configmaps' && !request.dryRun",
        "namespaceObject.metadata.labels['tier'] == 'test' && namespaceObject.metadata.name == request.namespace",
        "request.options.fieldManager == 'me'",
    )
    api.user = User("eve", ("devs", AUTHENTICATED))
    assert (await api("POST", f"{MAPS}?fieldManager=me", config_map(a="old"))).status == 201
    merge = {"content-type": "application/merge-patch+json"}
    changed = await api("PATCH", f"{MAPS}/m?fieldManager=me", {"data": {"a": "new"}}, merge)
    assert changed.status == 200
    again = await api("PATCH", f"{MAPS}/m?fieldManager=me", {"data": {"a": "newer"}}, merge)
    assert "oldObject.data.a == 'old'" in again.message


async def test_deletes_have_only_the_old_object(api: Api, enforce: Enforce) -> None:
    await enforce("object == null && !has(oldObject.data)", rules=(rule("configmaps", operations=("DELETE",)),))
    await api.create(MAPS, config_map(a="kept"))
    await api.create(MAPS, {"metadata": {"name": "empty"}})
    assert (await api("DELETE", f"{MAPS}/m")).status == 422
    assert (await api("DELETE", f"{MAPS}/empty")).status == 200


async def test_variables_are_worked_out_when_asked_for_and_build_on_each_other(api: Api, enforce: Enforce) -> None:
    variables = [
        {"name": "data", "expression": "has(object.data) ? object.data : {}"},
        {"name": "keys", "expression": "variables.data.map(key, key)"},
        {"name": "broken", "expression": "object.data.missing"},
    ]
    await enforce(
        {"expression": "size(variables.keys) < 2", "messageExpression": "'found: ' + string(size(variables.keys))"},
        "size(variables.keys) == 0 || variables.broken == 'x'",
        variables=variables,
    )
    assert (await api("POST", MAPS, {"metadata": {"name": "empty"}})).status == 201
    assert (await api("POST", MAPS, config_map(a="1", b="2"))).message.endswith("denied request: found: 2")
    one = await api("POST", MAPS, config_map(a="1"))
    assert 'composited variable "broken" fails to evaluate: no such key: missing' in one.message


async def test_a_failing_expression_refuses_unless_failures_are_ignored(api: Api, enforce: Enforce) -> None:
    await enforce("object.data.missing == 'x'")
    answer = await api("POST", MAPS, config_map(a="b"))
    assert answer.message.endswith(
        "denied request: expression 'object.data.missing == 'x'' resulted in error: no such key: missing"
    )
    await api.patch(f"{POLICIES}/validatingadmissionpolicies/p", {"spec": {"failurePolicy": "Ignore"}})
    assert (await api("POST", MAPS, config_map())).status == 201


async def test_conditions_choose_the_requests(api: Api, enforce: Enforce) -> None:
    conditions = [
        {"name": "not-robots", "expression": "!request.userInfo.username.startsWith('robot')"},
        {"name": "checked", "expression": "object.data.check == 'yes'"},
    ]
    await enforce("false", matchConditions=conditions)
    assert (await api("POST", MAPS, config_map("a", check="no"))).status == 201
    assert (await api("POST", MAPS, config_map("b", check="yes"))).status == 422
    broken = await api("POST", MAPS, config_map("c", a="b"))
    assert "resulted in error: no such key: check" in broken.message
    api.user = User("robot-1", (AUTHENTICATED,))
    assert (await api("POST", MAPS, config_map("d"))).status == 201


async def test_parameters_by_name_and_by_selector(api: Api, enforce: Enforce) -> None:
    kind = {"apiVersion": "v1", "kind": "ConfigMap"}
    await enforce(
        {
            "expression": "object.spec.replicas <= int(params.data.most)",
            "messageExpression": "'at most ' + params.data.most",
        },
        rules=(rule("deployments", group="apps"),),
        paramKind=kind,
        binding={"paramRef": {"name": "limits", "parameterNotFoundAction": "Deny"}},
    )
    missing = await api("POST", DEPLOYMENTS, deployment())
    assert missing.message.endswith(
        "denied request: failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction"
    )
    await api.create(MAPS, config_map("limits", most="3"))
    assert (await api("POST", DEPLOYMENTS, deployment(4))).message.endswith("denied request: at most 3")
    assert (await api("POST", DEPLOYMENTS, deployment(3))).status == 201
    selected = {"selector": {"matchLabels": {"limits": "yes"}}, "parameterNotFoundAction": "Allow"}
    await api.patch(
        f"{POLICIES}/validatingadmissionpolicybindings/p-b", {"spec": {"paramRef": {"name": None, **selected}}}
    )
    assert (await api("POST", DEPLOYMENTS, deployment(9, "nine"))).status == 201
    for name, most in (("one", "1"), ("two", "2")):
        await api.create(MAPS, {"metadata": {"name": name, "labels": {"limits": "yes"}}, "data": {"most": most}})
    assert (await api("POST", DEPLOYMENTS, deployment(2, "two"))).message.endswith("at most 1")


async def test_a_kind_of_parameters_that_nobody_knows_is_told(api: Api, enforce: Enforce) -> None:
    kind = {"apiVersion": "rules.example.com/v1", "kind": "Limit"}
    reference = {"paramRef": {"name": "x", "parameterNotFoundAction": "Deny"}}
    await enforce("true", paramKind=kind, binding=reference)
    answer = await api("POST", MAPS, config_map())
    assert "failed to find resource referenced by paramKind: 'rules.example.com/v1, Kind=Limit'" in answer.message


async def test_bindings_narrow_and_rules_exclude(api: Api, enforce: Enforce) -> None:
    await api.create("/api/v1/namespaces", {"metadata": {"name": "strict", "labels": {"strict": "yes"}}})
    await enforce(
        "false",
        constraints={"excludeResourceRules": [{**rule("configmaps"), "resourceNames": ["free"]}]},
        binding={"matchResources": {"namespaceSelector": {"matchLabels": {"strict": "yes"}}}},
    )
    assert (await api("POST", MAPS, config_map())).status == 201
    assert (await api("POST", "/api/v1/namespaces/strict/configmaps", config_map())).status == 422
    assert (await api("POST", "/api/v1/namespaces/strict/configmaps", config_map("free"))).status == 201


async def test_the_authorizer_is_asked_about_the_user_and_the_request() -> None:
    clock = FakeClock()
    async with in_process_server(clock=clock, config=ServerConfig(rbac=True)) as server:
        api = Api(server, clock)
        expression = (
            "authorizer.requestResource.check('approve').allowed()"
            " || authorizer.group('').resource('secrets').namespace('default').check('get').allowed()"
        )
        policy = {
            "metadata": {"name": "p"},
            "spec": {
                "matchConstraints": {"resourceRules": [rule("configmaps")]},
                "validations": [{"expression": expression, "message": "approvers only"}],
            },
        }
        await api.create(f"{POLICIES}/validatingadmissionpolicies", policy)
        binding = {"policyName": "p", "validationActions": ["Deny"]}
        await api.create(f"{POLICIES}/validatingadmissionpolicybindings", {"metadata": {"name": "b"}, "spec": binding})
        rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
        for user, verbs in (("eve", ["create"]), ("adam", ["create", "approve"])):
            rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": verbs}]
            await api.create(f"{rbac}/roles", {"metadata": {"name": user}, "rules": rules})
            reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": user}
            subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}
            await api.create(
                f"{rbac}/rolebindings", {"metadata": {"name": user}, "roleRef": reference, "subjects": [subject]}
            )
        api.user = User("eve", (AUTHENTICATED,))
        assert (await api("POST", MAPS, config_map())).message.endswith("approvers only")
        api.user = User("adam", (AUTHENTICATED,))
        assert (await api("POST", MAPS, config_map())).status == 201


async def test_an_expression_that_costs_too_much_is_stopped(api: Api, enforce: Enforce) -> None:
    await enforce("[1,2,3,4,5,6,7,8,9,10].all(a, object.data.all(b, object.data.all(c, object.data.all(d, a > 0))))")
    answer = await api("POST", MAPS, config_map(**{f"k{i}": "" for i in range(60)}))
    assert answer.status == 422
    assert "actual cost limit exceeded" in answer.message


async def test_policies_guard_subresources_and_custom_scopes(api: Api, enforce: Enforce) -> None:
    await enforce("object.spec.replicas < 5", rules=(rule("deployments/scale", group="apps"),))
    await api.create(DEPLOYMENTS, deployment(9))
    refused = await api.patch(f"{DEPLOYMENTS}/web/scale", {"spec": {"replicas": 6}})
    assert refused.status == 422
    assert (await api.patch(f"{DEPLOYMENTS}/web/scale", {"spec": {"replicas": 2}})).status == 200


async def test_policies_themselves_cannot_be_locked(api: Api, enforce: Enforce) -> None:
    await enforce("false", rules=({**rule("*", operations=("*",)), "apiGroups": ["*"], "apiVersions": ["*"]},))
    assert (await api("POST", MAPS, config_map())).status == 422
    assert (await api("DELETE", f"{POLICIES}/validatingadmissionpolicies/p")).status == 200


@pytest.mark.parametrize(
    ("change", "field", "why"),
    [
        ({"validations": [{"expression": "object.x +"}]}, "spec.validations[0].expression", "compilation failed: ERROR: <input>:1:11: Syntax error: mismatched input '<EOF>'"),
        ({"validations": [{"expression": "request.nothing == ''"}]}, "spec.validations[0].expression", "undefined field 'nothing'"),
        ({"validations": [{"expression": "'text'"}]}, "spec.validations[0].expression", "must evaluate to bool"),
        ({"validations": [{"expression": "params.x"}]}, "spec.validations[0].expression", "undeclared reference to 'params'"),
        ({"validations": [{"expression": "true", "messageExpression": "1"}]}, "spec.validations[0].messageExpression", "must evaluate to string"),
        ({"validations": [{"expression": "variables.a == true"}], "variables": [{"name": "a", "expression": "variables.b"}, {"name": "b", "expression": "true"}]}, "spec.variables[0].expression", "undefined field 'b'"),
        ({"auditAnnotations": [{"key": "k", "valueExpression": "1"}]}, "spec.auditAnnotations[0].valueExpression", "must evaluate to "),
        ({"matchConditions": [{"name": "n", "expression": "1"}]}, "spec.matchConditions[0].expression", "must evaluate to bool"),
    ],
)  # fmt: skip
async def test_expressions_that_do_not_compile_are_refused(api: Api, change: Object, field: str, why: str) -> None:
    spec = {"matchConstraints": {"resourceRules": [rule("configmaps")]}, "validations": [{"expression": "true"}]}
    policy = {"metadata": {"name": "p"}, "spec": {**spec, **change}}
    answer = await api("POST", f"{POLICIES}/validatingadmissionpolicies", policy)
    assert answer.status == 422
    (cause,) = answer.body["details"]["causes"]
    assert cause["field"] == field
    assert why in cause["message"]
