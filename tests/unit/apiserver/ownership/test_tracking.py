"""Managed fields of every other write: whose they are, what a subresource may own, when nothing is written."""

from __future__ import annotations

from typing import Any

from tests.unit.apiserver.ownership.applier import DEPLOYMENTS, apply, config_map, deployment, owners, write

from wherry.testing.http import Api
from wherry.testing.manifests import MAPS, PODS, pod

POD_FIELDS: Any = {
    "f:metadata": {"f:labels": {".": {}, "f:app": {}}},
    "f:spec": {
        "f:containers": {
            'k:{"name":"main"}': {
                ".": {},
                "f:image": {},
                "f:imagePullPolicy": {},
                "f:name": {},
                "f:resources": {},
                "f:terminationMessagePath": {},
                "f:terminationMessagePolicy": {},
            }
        },
        "f:dnsPolicy": {},
        "f:enableServiceLinks": {},
        "f:restartPolicy": {},
        "f:schedulerName": {},
        "f:securityContext": {},
        "f:terminationGracePeriodSeconds": {},
    },
}
DEPLOYMENT_FIELDS: Any = {
    "f:spec": {
        "f:progressDeadlineSeconds": {},
        "f:replicas": {},
        "f:revisionHistoryLimit": {},
        "f:selector": {},
        "f:strategy": {
            "f:rollingUpdate": {".": {}, "f:maxSurge": {}, "f:maxUnavailable": {}},
            "f:type": {},
        },
        "f:template": {
            "f:metadata": {"f:labels": {".": {}, "f:a": {}}},
            "f:spec": {
                **POD_FIELDS["f:spec"],
                "f:containers": {'k:{"name":"app"}': POD_FIELDS["f:spec"]["f:containers"]['k:{"name":"main"}']},
            },
        },
    }
}
del DEPLOYMENT_FIELDS["f:spec"]["f:template"]["f:spec"]["f:enableServiceLinks"]


async def test_the_creator_of_a_pod_owns_what_it_said_and_the_defaults(api: Api) -> None:
    made = await write(api, "POST", PODS, pod("p", labels={"app": "x"}), "kubectl-run")
    (entry,) = made.body["metadata"]["managedFields"]
    assert entry == {
        "manager": "kubectl-run",
        "operation": "Update",
        "apiVersion": "v1",
        "time": "2026-01-01T00:00:00Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": POD_FIELDS,
    }


async def test_the_creator_of_a_deployment_owns_no_struct_that_is_always_there(api: Api) -> None:
    made = await write(api, "POST", DEPLOYMENTS, deployment(), "kubectl-create")
    assert owners(made.body) == {("kubectl-create", "Update"): DEPLOYMENT_FIELDS}


async def test_fields_stand_in_upstreams_order(api: Api) -> None:
    ports = [{"port": 443, "name": "b"}, {"port": 80, "name": "a"}]
    service = {"metadata": {"name": "s"}, "spec": {"ports": ports, "selector": {"a": "b"}}}
    made = await write(api, "POST", "/api/v1/namespaces/default/services", service, "x")
    fields = owners(made.body)["x", "Update"]["f:spec"]
    assert list(fields) == ["f:internalTrafficPolicy", "f:ports", "f:selector", "f:sessionAffinity", "f:type"]
    assert list(fields["f:ports"]) == [
        ".",
        'k:{"port":80,"protocol":"TCP"}',
        'k:{"port":443,"protocol":"TCP"}',
    ]


async def test_the_option_counts_more_than_the_user_agent(api: Api) -> None:
    made = await write(api, "POST", f"{MAPS}?fieldManager=said", config_map({"a": "1"}), "agent")
    assert set(owners(made.body)) == {("said", "Update")}


async def test_a_changed_field_moves_to_the_one_who_changed_it(api: Api) -> None:
    await write(api, "POST", MAPS, config_map({"a": "1", "b": "1"}), "one")
    await api.clock.advance(60)
    changed = await write(api, "PATCH", f"{MAPS}/m", {"data": {"a": "2"}}, "two")
    assert owners(changed.body) == {
        ("one", "Update"): {"f:data": {".": {}, "f:b": {}}},
        ("two", "Update"): {"f:data": {"f:a": {}}},
    }
    assert [each["time"] for each in changed.body["metadata"]["managedFields"]] == [
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:01:00Z",
    ]


async def test_a_removed_field_is_nobodys(api: Api) -> None:
    await write(api, "POST", MAPS, config_map({"a": "1"}, labels={"x": "y"}), "one")
    changed = await write(api, "PATCH", f"{MAPS}/m", {"data": None}, "two")
    assert owners(changed.body) == {("one", "Update"): {"f:metadata": {"f:labels": {".": {}, "f:x": {}}}}}


async def test_an_update_without_managed_fields_keeps_those_that_are_there(api: Api) -> None:
    made = await write(api, "POST", MAPS, config_map({"a": "1"}), "one")
    body = made.body
    del body["metadata"]["managedFields"]
    body["data"]["b"] = "2"
    changed = await write(api, "PUT", f"{MAPS}/m", body, "two")
    assert set(owners(changed.body)) == {("one", "Update"), ("two", "Update")}


async def test_a_write_that_changes_nothing_makes_no_revision(api: Api) -> None:
    made = await write(api, "POST", MAPS, config_map({"a": "1"}), "one")
    await api.clock.advance(60)
    same = await write(api, "PUT", f"{MAPS}/m", made.body, "two")
    assert same.body == made.body


async def test_clients_may_edit_managed_fields(api: Api) -> None:
    made = await write(api, "POST", MAPS, config_map({"a": "1"}), "one")
    (entry,) = made.body["metadata"]["managedFields"]
    entry["manager"] = "renamed"
    changed = await write(api, "PATCH", f"{MAPS}/m", {"metadata": {"managedFields": [entry]}}, "two")
    assert set(owners(changed.body)) == {("renamed", "Update")}


async def test_managed_fields_are_cleared_by_an_empty_entry_or_list(api: Api) -> None:
    for value in ([{}], []):
        await write(api, "POST", MAPS, config_map({"a": "1"}), "one")
        cleared = await write(api, "PATCH", f"{MAPS}/m", {"metadata": {"managedFields": value}}, "two")
        assert "managedFields" not in cleared.body["metadata"]
        untracked = await write(api, "PATCH", f"{MAPS}/m", {"data": {"b": "1"}}, "two")
        assert "managedFields" not in untracked.body["metadata"]
        await api("DELETE", f"{MAPS}/m")


async def test_managed_fields_that_cannot_be_read_are_ignored(api: Api) -> None:
    made = await write(api, "POST", MAPS, config_map({"a": "1"}), "one")
    for entry in (
        {"manager": "x", "operation": "Destroy", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {}},
        {"manager": "x", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV2", "fieldsV1": {}},
        {"manager": "x", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {"q": {}}},
    ):
        changed = await write(api, "PATCH", f"{MAPS}/m", {"metadata": {"managedFields": [entry]}}, "two")
        assert changed.status == 200
        assert changed.body["metadata"]["managedFields"] == made.body["metadata"]["managedFields"]


async def test_the_status_is_owned_through_its_subresource(api: Api) -> None:
    await write(api, "POST", DEPLOYMENTS, deployment(replicas=2), "kubectl")
    patch = {"spec": {"replicas": 9}, "status": {"observedGeneration": 1, "replicas": 2}}
    changed = await write(api, "PATCH", f"{DEPLOYMENTS}/d/status", patch, "controller")
    assert owners(changed.body)["controller", "Update/status"] == {
        "f:status": {"f:observedGeneration": {}, "f:replicas": {}}
    }
    main = await write(api, "PATCH", f"{DEPLOYMENTS}/d", {"status": {"replicas": 7}}, "intruder")
    assert set(owners(main.body)) == {("kubectl", "Update"), ("controller", "Update/status")}


async def test_conditions_are_owned_by_their_type(api: Api) -> None:
    await api.create(PODS, pod("p"))
    condition = {"type": "Ready", "status": "True", "lastProbeTime": None, "lastTransitionTime": "2026-01-01T00:00:00Z"}
    patch = {"status": {"conditions": [condition], "phase": "Running"}}
    changed = await api(
        "PATCH",
        f"{PODS}/p/status",
        patch,
        {"user-agent": "kubelet/v1.36.0", "content-type": "application/strategic-merge-patch+json"},
    )
    fields = owners(changed.body)
    ready = {".": {}, "f:lastTransitionTime": {}, "f:status": {}, "f:type": {}}
    own = fields["kubelet", "Update/status"]["f:status"]["f:conditions"]['k:{"type":"Ready"}']
    assert {key: own[key] for key in ready} == ready


async def test_scaling_takes_the_replicas(api: Api) -> None:
    await apply(api, f"{DEPLOYMENTS}/d", deployment(replicas=2))
    scaled = await write(api, "PATCH", f"{DEPLOYMENTS}/d/scale", {"spec": {"replicas": 5}}, "autoscaler")
    assert scaled.status == 200
    stored = (await api("GET", f"{DEPLOYMENTS}/d")).body
    assert owners(stored)["autoscaler", "Update/scale"] == {"f:spec": {"f:replicas": {}}}
    assert "f:replicas" not in owners(stored)["me", "Apply"]["f:spec"]
    answer = await apply(api, f"{DEPLOYMENTS}/d", deployment(replicas=2))
    assert answer.message == (
        'Apply failed with 1 conflict: conflict with "autoscaler" with subresource "scale" using apps/v1:'
        " .spec.replicas"
    )


async def test_a_scale_can_be_applied(api: Api) -> None:
    await apply(api, f"{DEPLOYMENTS}/d", deployment(replicas=2))
    scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "d"}, "spec": {"replicas": 4}}
    refused = await apply(api, f"{DEPLOYMENTS}/d/scale", scale, "autoscaler")
    assert refused.message == 'Apply failed with 1 conflict: conflict with "me": .spec.replicas'
    assert (await apply(api, f"{DEPLOYMENTS}/d/scale", scale, "autoscaler", force="true")).status == 200
    stored = (await api("GET", f"{DEPLOYMENTS}/d")).body
    assert stored["spec"]["replicas"] == 4
    assert owners(stored)["autoscaler", "Apply/scale"] == {"f:spec": {"f:replicas": {}}}


async def test_binding_a_pod_is_nobodys_change(api: Api) -> None:
    made = await write(api, "POST", PODS, pod("p"), "me")
    binding = {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}}
    assert (await write(api, "POST", f"{PODS}/p/binding", binding, "kube-scheduler")).status == 201
    bound = (await api("GET", f"{PODS}/p")).body
    assert bound["metadata"]["managedFields"] == made.body["metadata"]["managedFields"]


async def test_the_oldest_of_many_updaters_become_one(api: Api) -> None:
    await write(api, "POST", MAPS, config_map({"k0": "0"}), "m0")
    for number in range(1, 12):
        await api.clock.advance(1)
        last = await write(api, "PATCH", f"{MAPS}/m", {"data": {f"k{number}": "1"}}, f"m{number}")
    found = owners(last.body)
    assert len(found) == 10
    assert found["ancient-changes", "Update"] == {"f:data": {".": {}, "f:k0": {}, "f:k1": {}, "f:k2": {}}}


async def test_what_kubectl_applied_on_its_side_is_kubectls_on_the_servers(api: Api) -> None:
    applied = deployment(replicas=2)
    text = '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"replicas":2}}'
    note = {"kubectl.kubernetes.io/last-applied-configuration": text}
    applied["metadata"]["annotations"] = note
    await write(api, "POST", DEPLOYMENTS, applied, "kubectl-client-side-apply")
    changed = deployment(replicas=3)
    assert (await apply(api, f"{DEPLOYMENTS}/d", changed, "somebody")).status == 409
    answer = await apply(api, f"{DEPLOYMENTS}/d", changed, "kubectl")
    assert answer.status == 200
    assert answer.body["spec"]["replicas"] == 3
    noted = answer.body["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"]
    assert '"replicas":3' in noted
    assert noted.endswith("\n")


async def test_lists_show_managed_fields(api: Api) -> None:
    await write(api, "POST", MAPS, config_map({"a": "1"}), "one")
    (item,) = (await api("GET", f"{MAPS}?fieldSelector=metadata.name=m")).body["items"]
    assert set(owners(item)) == {("one", "Update")}


async def test_who_says_nothing_is_unknown(api: Api) -> None:
    assert set(owners(await api.create(MAPS, config_map({"a": "1"})))) == {("unknown", "Update")}
