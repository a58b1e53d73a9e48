from __future__ import annotations

import copy
from pathlib import Path

import pytest
import yaml

from wherry.api import defaults, errors, strategy, validation
from wherry.api.resources import BUILTIN, lookup
from wherry.api.validation.errors import Errors, ErrorType, quote

GOLDENS = "validation"
BASES = yaml.safe_load((Path(__file__).parent / "goldens" / "bases.yaml").read_text())
SYSTEM = {"uid": "u-1", "creationTimestamp": "2026-01-02T03:04:05Z", "resourceVersion": "7"}


def put(obj, path, value):
    *parents, last = path.split(".")
    for parent in parents:
        obj = obj[int(parent)] if isinstance(obj, list) else obj.setdefault(parent, {})
    if isinstance(obj, list):
        obj[int(last)] = value
    else:
        obj[last] = value


def drop(obj, path):
    *parents, last = path.split(".")
    for parent in parents:
        obj = obj[parent]
    del obj[last]


def stored(case):
    """The object of the case as it would be stored: with the status that it names, too."""
    obj = copy.deepcopy(BASES[case["resource"]])
    for path in case.get("drop", ()):
        drop(obj, path)
    changes = case.get("set", {})
    for path, value in changes.items():
        put(obj, path, copy.deepcopy(value))
    obj["metadata"].update(SYSTEM)
    resource = lookup(case["resource"])
    defaults.apply(resource, obj)
    strategy.for_resource(resource).prepare_create(obj)
    for path, value in changes.items():
        if path.startswith("status."):
            put(obj, path, copy.deepcopy(value))
    return resource, obj


def found(case):
    resource, obj = stored(case)
    if "update" not in case and "status" not in case:
        return validation.on_create(resource, obj)
    new = copy.deepcopy(obj)
    for path, value in (case.get("update") or case["status"]).items():
        put(new, path, copy.deepcopy(value))
    defaults.apply(resource, new)
    if "status" in case:
        strategy.for_resource(resource).prepare_status_update(new, obj)
        return validation.on_status_update(resource, new, obj)
    strategy.for_resource(resource).prepare_update(new, obj)
    return validation.on_update(resource, new, obj)


def test_golden(case):
    assert [str(error) for error in found(case)] == case["errors"]


@pytest.mark.parametrize("name", BASES)
def test_a_good_object_may_be_written_again(name):
    resource, obj = stored({"resource": name})
    assert validation.on_update(resource, copy.deepcopy(obj), obj) == []
    assert validation.on_status_update(resource, copy.deepcopy(obj), obj) == []


@pytest.mark.parametrize("resource", BUILTIN, ids=lambda r: f"{r.qualified}/{r.version}")
def test_an_object_with_nothing_in_it_is_judged_not_stumbled_over(resource):
    obj = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {"name": "x"}}
    validation.on_create(resource, copy.deepcopy(obj))
    validation.on_update(resource, copy.deepcopy(obj), obj)
    validation.on_status_update(resource, copy.deepcopy(obj), obj)


def test_the_whole_message_of_the_api():
    resource, obj = stored({"resource": "pods", "drop": ["spec.containers"], "set": {"metadata.name": "a b"}})
    causes = [error.to_cause() for error in validation.on_create(resource, obj)]
    status = errors.invalid("", "Pod", "a b", causes).to_status()
    assert status["message"].startswith('Pod "a b" is invalid: [metadata.name: Invalid value: "a b": a lowercase RFC')
    assert status["message"].endswith("spec.containers: Required value]")
    assert status["details"]["causes"][-1] == {
        "reason": "FieldValueRequired",
        "message": "Required value",
        "field": "spec.containers",
    }


@pytest.mark.parametrize("size", [1024 * 1024, 1024 * 1024 + 1])
def test_a_config_map_holds_a_mebibyte(size):
    obj = {"metadata": {"name": "a", "namespace": "b"}, "data": {"k": "x" * size}}
    wrong = validation.on_create(lookup("configmaps"), obj)
    assert [str(e) for e in wrong] == (["[]: Too long: may not be more than 1048576 bytes"] if size & 1 else [])


def test_size_is_counted_in_bytes():
    resource = lookup("configmaps")
    assert validation.on_create(resource, {"metadata": {"name": "a", "namespace": "b"}, "data": {"k": "ü" * 600_000}})
    annotated = {"metadata": {"name": "a", "namespace": "b", "annotations": {"k": "ü" * 140_000}}}
    assert [e.type for e in validation.on_create(resource, annotated)] == [ErrorType.TOO_LONG]


def test_resize_changes_cpu_and_memory_only():
    resource, old = stored({"resource": "pods"})
    new = copy.deepcopy(old)
    new["spec"]["containers"][0]["resources"]["requests"]["cpu"] = "200m"
    assert validation.on_subresource_update(resource, "resize", new, old) == []
    new["spec"]["containers"][0]["image"] = "other:1"
    assert [str(e) for e in validation.on_subresource_update(resource, "resize", new, old)] == [
        "spec: Forbidden: only cpu and memory resources are mutable"
    ]


def test_ephemeral_containers_are_only_added():
    resource, old = stored({"resource": "pods"})
    old["spec"]["ephemeralContainers"] = [{"name": "debug", "image": "x"}]
    defaults.apply(resource, old)
    more = copy.deepcopy(old)
    more["spec"]["ephemeralContainers"].append({"name": "two", "image": "x", "targetContainerName": "web"})
    defaults.apply(resource, more)
    assert validation.on_subresource_update(resource, "ephemeralcontainers", more, old) == []
    less = copy.deepcopy(old)
    less["spec"]["ephemeralContainers"] = []
    assert [e.detail for e in validation.on_subresource_update(resource, "ephemeralcontainers", less, old)] == [
        'existing ephemeral containers "debug" may not be removed\n'
    ]


@pytest.mark.parametrize(
    ("text", "quoted"),
    [("a", '"a"'), ('a"b\\', r'"a\"b\\"'), ("\n\x01", r'"\n\x01"'), ("ü", '"ü"'), ("\u200b", r'"\u200b"')],
)
def test_quoted_as_go_does(text, quoted):
    assert quote(text) == quoted


def test_each_error_type_has_its_text():
    wrong = Errors()
    wrong.too_many("a", 3, 2)
    wrong.not_found("b", True)
    wrong.invalid("c", None, "why")
    assert [str(e) for e in wrong] == [
        "a: Too many: 3: must have at most 2 items",
        "b: Not found: true",
        "c: Invalid value: null: why",
    ]


def test_endpoints_in_the_loopback_range_need_a_cluster_that_has_nothing_else() -> None:
    slices = lookup("endpointslices.discovery.k8s.io")
    obj = {
        "metadata": {"name": "web", "namespace": "default"},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["127.244.0.2"]}],
        "ports": [{"name": "", "port": 80, "protocol": "TCP"}],
    }
    (error,) = validation.on_create(slices, obj)
    assert error.detail == "may not be in the loopback range (127.0.0.0/8, ::1/128)"
    assert validation.on_create(slices, obj, loopback=True) == []
