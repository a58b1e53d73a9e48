from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest

from wherry.api.errors import BadRequest
from wherry.api.schema.decode import decode, decoder
from wherry.api.types import Object

POD: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "default", "labels": {"app": "web"}},
    "spec": {
        "containers": [
            {
                "name": "web",
                "image": "nginx",
                "args": ["-x"],
                "ports": [{"containerPort": 80}],
                "env": [{"name": "A", "value": "b"}],
                "resources": {"requests": {"cpu": "100m", "memory": "1Gi"}},
                "readinessProbe": {"httpGet": {"path": "/", "port": "http"}},
            }
        ],
        "nodeName": "n1",
    },
}


def clean(obj: Object) -> list[str]:
    check = decoder(obj["apiVersion"], obj["kind"])
    assert check is not None
    return check.clean(obj)


def pod(**spec: Any) -> Object:
    return {**copy.deepcopy(POD), "spec": {**copy.deepcopy(POD["spec"]), **spec}}


def run(obj: Object, mode: str = "Strict", raw: bytes | None = None) -> list[str]:
    check = decoder(obj["apiVersion"], obj["kind"])
    assert check is not None
    return decode(check, obj, raw=orjson.dumps(obj) if raw is None else raw, field_validation=mode)


def refused(obj: Object, mode: str = "Strict", raw: bytes | None = None) -> str:
    with pytest.raises(BadRequest) as caught:
        run(obj, mode, raw)
    return caught.value.message


def test_a_good_object_stays_as_it_is() -> None:
    before = copy.deepcopy(POD)
    assert clean(before) == []
    assert before == POD


def test_unknown_fields_are_pruned_and_named() -> None:
    obj = pod(foo=1)
    obj["spec"]["containers"][0]["bar"] = {"x": 1}
    assert clean(obj) == ['unknown field "spec.containers[0].bar"', 'unknown field "spec.foo"']
    assert obj == POD


def test_strict_refuses_unknown_fields() -> None:
    message = 'Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec.foo"'
    assert refused(pod(foo=1)) == message
    assert run(pod(foo=1), "Warn") == ['unknown field "spec.foo"']
    assert run(pod(foo=1), "Ignore") == []


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"replicas": "3"}, "string into Go struct field DeploymentSpec.spec.replicas of type int32"),
        ({"replicas": 3.5}, "number 3.5 into Go struct field DeploymentSpec.spec.replicas of type int32"),
        ({"replicas": 1 << 40}, "number 1099511627776 into Go struct field DeploymentSpec.spec.replicas of type int32"),
        ({"paused": "yes"}, "string into Go struct field DeploymentSpec.spec.paused of type bool"),
        ({"template": []}, "array into Go struct field DeploymentSpec.spec.template of type v1.PodTemplateSpec"),
        (
            {"template": {"spec": {"containers": [{"env": [{"name": "A", "value": 1}]}]}}},
            "number into Go struct field EnvVar.spec.template.spec.containers.env.value of type string",
        ),
        (
            {"template": {"spec": {"containers": {}}}},
            "object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container",
        ),
        (
            {"template": {"metadata": {"labels": {"a": True}}}},
            "bool into Go struct field ObjectMeta.spec.template.metadata.labels of type string",
        ),
        (
            {"template": {"spec": {"restartPolicy": 1}}},
            "number into Go struct field PodSpec.spec.template.spec.restartPolicy of type v1.RestartPolicy",
        ),
    ],
)
def test_wrong_types(spec: Object, why: str) -> None:
    obj = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": spec}
    expected = f'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal {why}'
    assert refused(obj, "Ignore") == expected


def test_a_wrong_spec() -> None:
    assert refused({**POD, "spec": "x"}).endswith("unmarshal string into Go struct field Pod.spec of type v1.PodSpec")


def test_quantities_times_and_bytes() -> None:
    obj = pod()
    resources = obj["spec"]["containers"][0]["resources"]
    resources["requests"] = {"cpu": 0.5, "memory": "1024Mi"}
    obj["metadata"]["creationTimestamp"] = "2026-01-02T05:04:05+02:00"
    assert clean(obj) == []
    assert resources["requests"] == {"cpu": "500m", "memory": "1Gi"}
    assert obj["metadata"]["creationTimestamp"] == "2026-01-02T03:04:05Z"
    resources["requests"]["cpu"] = "lots"
    assert refused(obj).endswith(
        "handled as a Pod: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x", 'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"'),
        ("2026-01-02", 'parsing time "2026-01-02" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "T"'),
        ("2026-13-02T00:00:00Z", 'parsing time "2026-13-02T00:00:00Z": month out of range'),
        (5, "json: cannot unmarshal number into Go value of type string"),
    ],
)
def test_wrong_times(text: Any, why: str) -> None:
    obj = pod()
    obj["metadata"]["creationTimestamp"] = text
    assert refused(obj).endswith(f"as a Pod: {why}")


@pytest.mark.parametrize(("text", "at"), [("ab!=", 2), ("abc", 0), ("YWJj*", 4), ("YWI=x", 4), ("YQ=", 3)])
def test_wrong_base64(text: str, at: int) -> None:
    obj = {"apiVersion": "v1", "kind": "Secret", "data": {"a": text}}
    assert refused(obj).endswith(f"as a Secret: illegal base64 data at input byte {at}")


def test_line_breaks_in_base64_are_dropped() -> None:
    obj = {"apiVersion": "v1", "kind": "Secret", "data": {"a": "YW\nI="}}
    assert clean(obj) == []
    assert obj["data"] == {"a": "YWI="}


def test_int_or_string() -> None:
    obj = pod()
    probe = obj["spec"]["containers"][0]["readinessProbe"]["httpGet"]
    probe["port"] = 80
    assert clean(obj) == []
    probe["port"] = True
    assert refused(obj).endswith("json: cannot unmarshal bool into Go value of type int32")


def test_nulls_end_as_go_leaves_them() -> None:
    obj = pod(nodeName=None)
    obj["metadata"].update(creationTimestamp=None, labels={"a": None})
    obj["spec"]["containers"][0]["args"] = ["a", None]
    assert clean(obj) == []
    assert "nodeName" not in obj["spec"]
    assert obj["metadata"]["labels"] == {"a": ""}
    assert obj["spec"]["containers"][0]["args"] == ["a", ""]


def test_free_form_parts_keep_everything() -> None:
    obj = {"apiVersion": "apps/v1", "kind": "ControllerRevision", "data": {"a": None, "b": [1]}, "revision": 1}
    assert clean(obj) == []
    assert obj["data"] == {"a": None, "b": [1]}


def test_schemas_inside_custom_resource_definitions() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "string", "nope": 1}}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    obj = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "spec": {"versions": [version]}}
    assert clean(obj) == []
    assert "nope" not in schema["properties"]["a"]["items"]
    schema["additionalProperties"] = 3
    assert refused(obj).endswith(": boolean or JSON schema expected")


def test_duplicates() -> None:
    raw = b'{"apiVersion":"v1","kind":"Pod","spec":{"nodeName":"a","nodeName":"b"}, "metadata":{"labels":{"x":"1","x":"2"}}}'
    obj = orjson.loads(raw)
    problems = ['duplicate field "spec.nodeName"', 'duplicate field "metadata.labels.x"']
    assert run(obj, "Warn", raw) == problems
    assert refused(obj, "Strict", raw).endswith(f"strict decoding error: {', '.join(problems)}")
    assert run(obj, "Ignore", raw) == []


def test_white_space_is_no_duplicate() -> None:
    assert run(copy.deepcopy(POD), "Strict", orjson.dumps(POD, option=orjson.OPT_INDENT_2) + b"\n") == []


def test_every_builtin_kind_compiles() -> None:
    from wherry.api.resources import BUILTIN
    from wherry.api.schema.nodes import Struct, named

    for resource in BUILTIN:
        check = decoder(resource.api_version, resource.kind)
        assert check is not None
        node = named(check.definition)
        assert isinstance(node, Struct)
        assert {"apiVersion", "kind", "metadata"} <= node.fields().keys() or resource.kind.endswith("Review")


def test_endless_nesting_is_refused() -> None:
    schema: Object = {}
    for _ in range(2000):
        schema = {"properties": {"a": schema}}
    version = {"name": "v1", "schema": {"openAPIV3Schema": schema}}
    obj = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "spec": {"versions": [version]}}
    assert refused(obj, raw=b"{}", mode="Ignore").endswith("exceeded max depth")


def test_duplicates_in_bottomless_nesting_do_no_harm() -> None:
    depth = 900
    raw = b'{"apiVersion":"v1","kind":"Pod","x":' + b'{"a": ' * depth + b"1" + b"}" * depth + b"}"
    assert run(orjson.loads(raw), "Warn", raw) == ['unknown field "x"']
