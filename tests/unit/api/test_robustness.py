"""Whatever field is missing, null or empty: every step of a write gives an answer, never an exception."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import yaml

from wherry.api import defaults, selectable, strategy, tables, validation
from wherry.api.resources import lookup
from wherry.api.schema.decode import decoder

BASES = yaml.safe_load((Path(__file__).parent / "goldens" / "bases.yaml").read_text())
SYSTEM = {"uid": "u-1", "creationTimestamp": "2026-01-02T03:04:05Z", "resourceVersion": "7"}
MISSING = object()


def paths(value, here=()):
    if isinstance(value, dict):
        for key, below in value.items():
            yield (*here, key)
            yield from paths(below, (*here, key))
    elif isinstance(value, list):
        for i, below in enumerate(value):
            yield from paths(below, (*here, i))


def changed(obj, path, value):
    obj = copy.deepcopy(obj)
    target = obj
    for key in path[:-1]:
        target = target[key]
    if value is MISSING:
        del target[path[-1]]
    else:
        target[path[-1]] = value
    return obj


def blank(value):
    return type(value)() if isinstance(value, (dict, list, str, int)) else None


def full(name):
    resource, obj = lookup(name), copy.deepcopy(BASES[name])
    obj["metadata"].update(SYSTEM)
    defaults.apply(resource, obj)
    strategy.for_resource(resource).prepare_create(obj)
    return resource, obj


@pytest.mark.parametrize("name", BASES)
def test_every_field_may_be_missing_null_or_empty(name):
    resource, good = full(name)
    rules = strategy.for_resource(resource)
    for path in paths(good):
        if path[0] == "metadata":
            continue
        target = good
        for key in path:
            target = target[key]
        for value in (MISSING, None, blank(target)):
            obj = changed(good, path, value)
            assert isinstance(validation.on_update(resource, obj, good), list), path
            tables.row(resource, obj, 0.0)
            selectable.fields(resource, obj)
            defaults.apply(resource, obj)
            new = copy.deepcopy(obj)
            rules.prepare_update(new, good)
            validation.on_update(resource, new, good)
            validation.on_create(resource, new)
            validation.on_status_update(resource, obj, good)


@pytest.mark.parametrize("name", BASES)
def test_what_defaults_and_strategies_add_is_in_the_schema(name):
    resource, obj = full(name)
    obj.update(apiVersion=resource.api_version, kind=resource.kind)
    known = decoder(resource.api_version, resource.kind)
    assert known is not None
    assert known.clean(obj) == []
