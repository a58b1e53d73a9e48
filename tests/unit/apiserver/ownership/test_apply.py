"""Server-side apply over HTTP: making, merging, conflicts, removal by omission, refusals."""

from __future__ import annotations

import pytest
from tests.unit.apiserver.ownership.applier import APPLY, DEPLOYMENTS, apply, config_map, deployment, owners, write

from wherry.apiserver.config import ServerConfig
from wherry.base.fake_clock import FakeClock
from wherry.policy.user import User
from wherry.testing.apiserver import in_process_server
from wherry.testing.http import Api
from wherry.testing.manifests import MAPS


async def test_applying_what_is_missing_creates_it(api: Api) -> None:
    answer = await apply(api, f"{DEPLOYMENTS}/d", deployment(replicas=3))
    assert answer.status == 201
    assert answer.body["metadata"]["managedFields"] == [
        {
            "manager": "me",
            "operation": "Apply",
            "apiVersion": "apps/v1",
            "time": "2026-01-01T00:00:00Z",
            "fieldsType": "FieldsV1",
            "fieldsV1": {
                "f:spec": {
                    "f:replicas": {},
                    "f:selector": {},
                    "f:template": {
                        "f:metadata": {"f:labels": {"f:a": {}}},
                        "f:spec": {
                            "f:containers": {'k:{"name":"app"}': {".": {}, "f:image": {}, "f:name": {}}},
                        },
                    },
                }
            },
        }
    ]


async def test_applying_the_same_again_writes_no_revision(api: Api) -> None:
    first = await apply(api, f"{DEPLOYMENTS}/d", deployment(replicas=3))
    await api.clock.advance(10)
    again = await apply(api, f"{DEPLOYMENTS}/d", deployment(replicas=3))
    assert again.status == 200
    assert again.body == first.body


async def test_yaml_is_applied_as_well(api: Api) -> None:
    text = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: m\ndata:\n  a: '1'\n"
    assert (await apply(api, f"{MAPS}/m", text)).body["data"] == {"a": "1"}


async def test_a_value_that_somebody_else_owns_is_a_conflict(api: Api) -> None:
    await write(api, "POST", DEPLOYMENTS, deployment(replicas=1), "kubectl")
    answer = await apply(api, f"{DEPLOYMENTS}/d", deployment(replicas=2))
    assert (answer.status, answer.reason) == (409, "Conflict")
    assert answer.message == 'Apply failed with 1 conflict: conflict with "kubectl" using apps/v1: .spec.replicas'
    assert answer.body["details"]["causes"] == [
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "kubectl" using apps/v1',
            "field": ".spec.replicas",
        }
    ]


async def test_several_conflicts_are_told_by_manager(api: Api) -> None:
    await apply(api, f"{DEPLOYMENTS}/d", deployment(replicas=1, paused=True), "you")
    other = deployment(replicas=2, paused=False)
    other["spec"]["template"]["spec"]["containers"][0]["image"] = "httpd"
    answer = await apply(api, f"{DEPLOYMENTS}/d", other)
    assert answer.message == (
        'Apply failed with 3 conflicts: conflicts with "you":\n- .spec.paused\n- .spec.replicas\n'
        '- .spec.template.spec.containers[name="app"].image'
    )
    assert len(answer.body["details"]["causes"]) == 3


async def test_force_takes_the_fields_from_their_manager(api: Api) -> None:
    await apply(api, f"{MAPS}/m", config_map({"a": "1", "b": "1"}), "you")
    answer = await apply(api, f"{MAPS}/m", config_map({"a": "2"}), force="true")
    assert answer.body["data"] == {"a": "2", "b": "1"}
    assert owners(answer.body) == {
        ("you", "Apply"): {"f:data": {"f:b": {}}},
        ("me", "Apply"): {"f:data": {"f:a": {}}},
    }


async def test_two_may_own_what_they_agree_on(api: Api) -> None:
    await apply(api, f"{MAPS}/m", config_map({"a": "1"}), "you")
    answer = await apply(api, f"{MAPS}/m", config_map({"a": "1"}))
    assert answer.status == 200
    assert set(owners(answer.body)) == {("you", "Apply"), ("me", "Apply")}
    gone = await apply(api, f"{MAPS}/m", config_map())
    assert gone.body["data"] == {"a": "1"}
    assert set(owners(gone.body)) == {("you", "Apply")}


async def test_what_is_no_longer_applied_is_removed(api: Api) -> None:
    await apply(api, f"{MAPS}/m", config_map({"a": "1", "b": "1"}, labels={"x": "y"}))
    answer = await apply(api, f"{MAPS}/m", config_map({"a": "1"}))
    assert answer.body["data"] == {"a": "1"}
    assert "labels" not in answer.body["metadata"]


async def test_what_others_added_stays_when_the_rest_goes(api: Api) -> None:
    await apply(api, f"{DEPLOYMENTS}/d", deployment(replicas=2))
    sidecar = [{"name": "log", "image": "busybox"}]
    config = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"},
              "spec": {"template": {"spec": {"containers": sidecar}}}}  # fmt: skip
    both = await apply(api, f"{DEPLOYMENTS}/d", config, "injector")
    assert [each["name"] for each in both.body["spec"]["template"]["spec"]["containers"]] == ["app", "log"]
    without = deployment()
    answer = await apply(api, f"{DEPLOYMENTS}/d", without)
    assert [each["name"] for each in answer.body["spec"]["template"]["spec"]["containers"]] == ["app", "log"]
    assert answer.body["spec"]["replicas"] == 1  # given up, so the default again


async def test_items_of_a_list_go_with_their_only_owner(api: Api) -> None:
    config = deployment()
    ports = [{"containerPort": 80}, {"containerPort": 53, "protocol": "UDP"}]
    config["spec"]["template"]["spec"]["containers"][0]["ports"] = ports
    made = await apply(api, f"{DEPLOYMENTS}/d", config)
    fields = owners(made.body)["me", "Apply"]["f:spec"]["f:template"]["f:spec"]["f:containers"]['k:{"name":"app"}']
    assert list(fields["f:ports"]) == [
        'k:{"containerPort":53,"protocol":"UDP"}',
        'k:{"containerPort":80,"protocol":"TCP"}',
    ]
    del ports[1]
    answer = await apply(api, f"{DEPLOYMENTS}/d", config)
    (container,) = answer.body["spec"]["template"]["spec"]["containers"]
    assert container["ports"] == [{"containerPort": 80, "protocol": "TCP"}]


async def test_an_atomic_field_is_replaced_as_a_whole(api: Api) -> None:
    services = "/api/v1/namespaces/default/services"
    config = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"},
              "spec": {"selector": {"a": "1", "b": "2"}, "ports": [{"port": 80}]}}  # fmt: skip
    await apply(api, f"{services}/s", config)
    config["spec"]["selector"] = {"a": "1"}
    answer = await apply(api, f"{services}/s", config)
    assert answer.body["spec"]["selector"] == {"a": "1"}
    assert owners(answer.body)["me", "Apply"]["f:spec"]["f:selector"] == {}


async def test_members_of_a_set_are_owned_one_by_one(api: Api) -> None:
    await apply(api, f"{MAPS}/m", config_map(finalizers=["a.io/x"]), "you")
    both = await apply(api, f"{MAPS}/m", config_map(finalizers=["b.io/y"]))
    assert both.body["metadata"]["finalizers"] == ["a.io/x", "b.io/y"]
    assert owners(both.body)["me", "Apply"] == {"f:metadata": {"f:finalizers": {'v:"b.io/y"': {}}}}
    left = await apply(api, f"{MAPS}/m", config_map())
    assert left.body["metadata"]["finalizers"] == ["a.io/x"]


async def test_an_object_without_managers_had_one_before_the_first_apply(api: Api) -> None:
    await write(api, "POST", MAPS, config_map({"a": "1"}), "old")
    await api.patch(f"{MAPS}/m", {"metadata": {"managedFields": []}})
    answer = await apply(api, f"{MAPS}/m", config_map({"b": "2"}))
    assert owners(answer.body) == {
        ("me", "Apply"): {"f:data": {"f:b": {}}},
        ("before-first-apply", "Update"): {"f:data": {".": {}, "f:a": {}}},
    }


async def test_a_dry_run_tells_and_stores_nothing(api: Api) -> None:
    answer = await apply(api, f"{MAPS}/m", config_map({"a": "1"}), dryRun="All")
    assert answer.status == 201
    assert owners(answer.body) == {("me", "Apply"): {"f:data": {"f:a": {}}}}
    assert (await api("GET", f"{MAPS}/m")).status == 404


async def test_an_apply_needs_a_field_manager(api: Api) -> None:
    answer = await api("PATCH", f"{MAPS}/m", config_map({}), APPLY)
    assert (answer.status, answer.reason) == (422, "Invalid")
    assert answer.message == (
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'
    )


async def test_only_an_apply_can_be_forced(api: Api) -> None:
    await api.create(MAPS, config_map({}))
    answer = await api("PATCH", f"{MAPS}/m?force=true", {}, {"content-type": "application/merge-patch+json"})
    assert answer.message == (
        'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch'
    )


@pytest.mark.parametrize(
    ("config", "status", "message"),
    [
        (config_map(managedFields=[]), 400, "metadata.managedFields must be nil"),
        ({**config_map(), "apiVersion": "v2"}, 400, "invalid object type: /v2, Kind=ConfigMap"),
        ({}, 400, "invalid object type: /, Kind="),
        ({**config_map(), "wrong": 1}, 500,
         "failed to create typed patch object (/m; /v1, Kind=ConfigMap): .wrong: field not declared in schema"),
        (config_map({"a": 1}), 500,
         "failed to create typed patch object (/m; /v1, Kind=ConfigMap): .data.a: expected string, got"
         " &value.valueUnstructured{Value:1}"),
        ({**config_map(), "metadata": {"name": "n"}}, 400,
         "the name of the object (n) does not match the name on the URL (m)"),
        (config_map(namespace="other"), 400,
         "the namespace of the provided object does not match the namespace sent on the request"),
        (config_map(uid="1-2"), 409,
         'Operation cannot be fulfilled on configmaps "m": uid mismatch: the provided object specified uid 1-2,'
         " and no existing object was found"),
    ],
)  # fmt: skip
async def test_configurations_that_cannot_be_applied(
    api: Api, config: dict[str, object], status: int, message: str
) -> None:
    answer = await apply(api, f"{MAPS}/m", config)
    assert (answer.status, answer.message) == (status, message)


async def test_a_stale_resource_version_is_a_conflict(api: Api) -> None:
    made = await apply(api, f"{MAPS}/m", config_map({"a": "1"}))
    version = made.body["metadata"]["resourceVersion"]
    await apply(api, f"{MAPS}/m", config_map({"a": "2"}))
    stale = await apply(api, f"{MAPS}/m", config_map({"a": "3"}, resourceVersion=version))
    assert (stale.status, stale.reason) == (409, "Conflict")
    assert "the object has been modified" in stale.message


async def test_keys_given_twice_are_refused_or_warned_of(api: Api) -> None:
    text = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: m\ndata:\n  a: '1'\n  a: '2'\n"
    strict = await apply(api, f"{MAPS}/m", text, fieldValidation="Strict")
    problem = 'error converting YAML to JSON: yaml: unmarshal errors:\n  line 7: key "a" already set in map'
    assert (strict.status, strict.message) == (400, f"error strict decoding YAML: {problem}")
    warned = await apply(api, f"{MAPS}/m", text, fieldValidation="Warn")
    assert warned.status == 201
    assert "already set in map" in warned.headers["Warning"]
    assert "Warning" not in (await apply(api, f"{MAPS}/m", text, fieldValidation="Ignore")).headers


async def test_cbor_is_declined(api: Api) -> None:
    answer = await api("PATCH", f"{MAPS}/m?fieldManager=me", b"{}", {"content-type": "application/apply-patch+cbor"})
    assert answer.status == 415
    assert answer.message.endswith(
        "accepted media types include: application/json-patch+json, application/merge-patch+json,"
        " application/strategic-merge-patch+json, application/apply-patch+yaml"
    )


async def test_quantities_are_compared_as_they_are_spelled(api: Api) -> None:
    def limited(memory: str) -> dict[str, object]:
        config = deployment()
        config["spec"]["template"]["spec"]["containers"][0]["resources"] = {"limits": {"memory": memory}}
        return config

    made = await apply(api, f"{DEPLOYMENTS}/d", limited("1024Mi"))
    await api.clock.advance(10)
    again = await apply(api, f"{DEPLOYMENTS}/d", limited("1024Mi"))
    assert again.body == made.body
    assert (await apply(api, f"{DEPLOYMENTS}/d", limited("1Gi"), "you")).status == 200
    assert (await apply(api, f"{DEPLOYMENTS}/d", limited("1024Mi"), "other")).status == 409


async def test_making_something_by_apply_needs_the_right_to_create(clock: FakeClock) -> None:
    rbac, patch = "/apis/rbac.authorization.k8s.io/v1", ["configmaps"]
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "p"}
    subjects = [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "jane"}]
    async with in_process_server(clock=clock, config=ServerConfig(rbac=True)) as server:
        api = Api(server, clock)
        rules = [{"apiGroups": [""], "resources": patch, "verbs": ["patch"]}]
        await api.create(f"{rbac}/clusterroles", {"metadata": {"name": "p"}, "rules": rules})
        binding = {"metadata": {"name": "p"}, "roleRef": reference, "subjects": subjects}
        await api.create(f"{rbac}/clusterrolebindings", binding)
        await apply(api, f"{MAPS}/m", config_map({"a": "1"}))
        api.user = User("jane")
        assert (await apply(api, f"{MAPS}/m", config_map({"b": "1"}), "jane")).status == 200
        refused = await apply(api, f"{MAPS}/n", {**config_map({"b": "1"}), "metadata": {"name": "n"}}, "jane")
    assert refused.status == 403
    assert 'User "jane" cannot create resource "configmaps"' in refused.message
