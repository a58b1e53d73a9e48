"""Strategic merge patches by the real schema: what `kubectl patch` and `kubectl apply` rely on."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from wherry.api.schema.patching import patch_schema
from wherry.machinery import strategic
from wherry.machinery.patch_schema import PatchSchema, StrategicPatchError
from wherry.machinery.strategic_diff import three_way, two_way


def schema(api_version: str = "v1", kind: str = "Pod") -> PatchSchema:
    found = patch_schema(api_version, kind)
    assert found is not None
    return found


POD = {
    "metadata": {"labels": {"a": "1"}, "finalizers": ["x/1", "x/2"]},
    "spec": {
        "containers": [
            {"name": "a", "image": "a:1", "args": ["1", "2"], "ports": [{"containerPort": 80}]},
            {"name": "b", "image": "b:1"},
        ],
        "volumes": [{"name": "v", "emptyDir": {}}],
        "tolerations": [{"key": "k"}],
    },
}


def spec(patch: dict[str, Any]) -> Any:
    before = copy.deepcopy(POD)
    result = strategic.apply(before, {"spec": patch}, schema())
    assert before == POD
    return result["spec"]


def test_lists_with_a_merge_key_are_merged() -> None:
    result = spec({"containers": [{"name": "b", "image": "b:2"}, {"name": "c", "image": "c:1"}]})
    assert [(c["name"], c["image"]) for c in result["containers"]] == [("a", "a:1"), ("b", "b:2"), ("c", "c:1")]


def test_lists_without_are_replaced() -> None:
    assert spec({"tolerations": [{"key": "n"}]})["tolerations"] == [{"key": "n"}]
    assert spec({"containers": [{"name": "a", "args": ["9"]}]})["containers"][0]["args"] == ["9"]


def test_nested_merge_by_number() -> None:
    ports = [{"containerPort": 80, "name": "http"}, {"containerPort": 81}]
    assert spec({"containers": [{"name": "a", "ports": ports}]})["containers"][0]["ports"] == ports


def test_directives() -> None:
    assert [c["name"] for c in spec({"containers": [{"name": "a", "$patch": "delete"}]})["containers"]] == ["b"]
    assert spec({"containers": [{"$patch": "replace"}, {"name": "z"}]})["containers"] == [{"name": "z"}]
    assert spec({"$patch": "replace", "nodeName": "n"}) == {"nodeName": "n"}
    assert spec({"$patch": "delete"}) == {}


def test_retain_keys_switches_the_kind_of_a_volume() -> None:
    volume = {"name": "v", "$retainKeys": ["name", "hostPath"], "hostPath": {"path": "/x"}}
    assert spec({"volumes": [volume]})["volumes"] == [{"name": "v", "hostPath": {"path": "/x"}}]
    with pytest.raises(StrategicPatchError, match="invalid patch format of retainKeys"):
        spec({"volumes": [{"name": "v", "$retainKeys": ["name"], "hostPath": {}}]})


def test_set_element_order() -> None:
    patch = {"$setElementOrder/containers": [{"name": "c"}, {"name": "b"}], "containers": [{"name": "c", "image": "c"}]}
    assert [c["name"] for c in spec(patch)["containers"]] == ["c", "a", "b"]
    with pytest.raises(StrategicPatchError, match="doesn't match"):
        spec({"$setElementOrder/containers": [{"name": "b"}], "containers": [{"name": "c"}]})


def test_delete_from_primitive_list() -> None:
    patch = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["x/1"], "finalizers": ["x/3"]}}
    assert strategic.apply(POD, patch, schema())["metadata"]["finalizers"] == ["x/3", "x/2"]


def test_nulls_and_directives_in_what_is_new_have_no_effect() -> None:
    result = spec({"securityContext": {"runAsUser": 1, "runAsGroup": None, "$patch": "merge"}, "nodeName": None})
    assert result["securityContext"] == {"runAsUser": 1}
    assert "nodeName" not in result


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        ({"containers": [{"image": "x"}]}, r"map: map\[image:x\] does not contain declared merge key: name"),
        ({"$patch": "frob"}, r"unknown patch type: frob in map: map\[\$patch:frob\]"),
        ({"containers": ["x"]}, "list element types are not identical"),
        ({"$setElementOrder/containers": 1}, r"expected a \[\]interface \{\}, but received a int64"),
    ],
)
def test_errors(patch: dict[str, Any], message: str) -> None:
    with pytest.raises(StrategicPatchError, match=message):
        spec(patch)


def test_unknown_fields_in_both() -> None:
    with pytest.raises(
        StrategicPatchError, match='unable to find api field in struct PodSpec for the json field "foo"'
    ):
        strategic.apply({"spec": {"foo": {"a": 1}}}, {"spec": {"foo": {"a": 2}}}, schema())


def test_two_way() -> None:
    after = copy.deepcopy(POD)
    after["spec"]["containers"] = [{"name": "b", "image": "b:2"}, {"name": "c"}]  # type: ignore[index]
    after["metadata"]["finalizers"] = ["x/2"]  # type: ignore[index]
    patch = two_way(POD, after, schema())
    assert patch == {
        "metadata": {"$deleteFromPrimitiveList/finalizers": ["x/1"], "$setElementOrder/finalizers": ["x/2"]},
        "spec": {
            "$setElementOrder/containers": [{"name": "b"}, {"name": "c"}],
            "containers": [{"image": "b:2", "name": "b"}, {"name": "c"}, {"$patch": "delete", "name": "a"}],
        },
    }
    assert strategic.apply(POD, patch, schema()) == after


def test_changing_the_kind_of_a_volume_retains_keys() -> None:
    after = copy.deepcopy(POD)
    after["spec"]["volumes"] = [{"name": "v", "configMap": {"name": "c"}}]  # type: ignore[index]
    patch = two_way(POD, after, schema())
    assert patch["spec"]["volumes"] == [
        {"$retainKeys": ["configMap", "name"], "configMap": {"name": "c"}, "emptyDir": None, "name": "v"}
    ]
    assert strategic.apply(POD, patch, schema()) == after


def test_three_way_leaves_alone_what_others_added() -> None:
    last = {"spec": {"containers": [{"name": "a", "image": "a:1"}, {"name": "old"}], "nodeName": "n"}}
    modified = {"spec": {"containers": [{"name": "a", "image": "a:2"}]}}
    current = {
        "spec": {
            "containers": [
                {"name": "a", "image": "a:1", "imagePullPolicy": "Always"},
                {"name": "old"},
                {"name": "sidecar"},
            ],
            "nodeName": "n",
            "dnsPolicy": "ClusterFirst",
        }
    }
    patch = three_way(last, modified, current, schema())
    assert patch == {
        "spec": {
            "$setElementOrder/containers": [{"name": "a"}],
            "containers": [{"name": "a", "image": "a:2"}, {"name": "old", "$patch": "delete"}],
            "nodeName": None,
        }
    }
    assert strategic.apply(current, patch, schema())["spec"] == {
        "containers": [{"name": "a", "image": "a:2", "imagePullPolicy": "Always"}, {"name": "sidecar"}],
        "dnsPolicy": "ClusterFirst",
    }


def test_no_schema_for_other_kinds() -> None:
    assert patch_schema("example.com/v1", "Foo") is None


def test_list_types_for_server_side_apply() -> None:
    pod_spec = schema().field("spec").inside
    containers = pod_spec.field("containers")
    assert (containers.list_type, containers.map_keys) == ("map", ("name",))
    assert containers.inside.field("ports").map_keys == ("containerPort", "protocol")
    assert containers.inside.field("args").list_type == "atomic"
    assert schema().field("metadata").inside.field("finalizers").list_type == "set"
    assert pod_spec.field("nodeSelector").atomic
    assert schema("v1", "Service").field("spec").inside.field("selector").atomic
    assert not pod_spec.field("securityContext").atomic
