from __future__ import annotations

import pytest

from wherry.api import tables
from wherry.api.resources import BUILTIN, Resource, lookup
from wherry.api.tables.ages import human, since
from wherry.base.times import parse_rfc3339

GOLDENS = "tables"
NOW = parse_rfc3339("2026-01-02T00:00:00Z")
CREATED = "2026-01-01T23:00:00Z"


def test_golden(case):
    obj = dict(case["obj"])
    obj["metadata"] = {"name": "web", "creationTimestamp": CREATED, **obj.get("metadata", {})}
    assert tables.row(lookup(case["resource"]), obj, NOW) == case["cells"]


@pytest.mark.parametrize("resource", BUILTIN, ids=lambda r: f"{r.qualified}/{r.version}")
def test_every_kind_has_as_many_cells_as_columns(resource):
    columns = tables.columns(resource)
    assert len(tables.row(resource, {"metadata": {"name": "x"}}, NOW)) == len(columns)
    assert all(column.keys() == {"name", "type", "format", "description", "priority"} for column in columns)


def test_kinds_without_a_printer():
    custom = Resource("example.org", "v1", "things", "Thing")
    obj = {"metadata": {"name": "x", "creationTimestamp": CREATED}}
    assert [column["name"] for column in tables.columns(custom)] == ["Name", "Age"]
    assert tables.row(custom, obj, NOW) == ["x", "60m"]
    assert [column["name"] for column in tables.columns(lookup("limitranges"))] == ["Name", "Created At"]


def test_a_pod_that_is_done_says_so():
    pods = lookup("pods")
    assert tables.row_conditions(pods, {"status": {"phase": "Running"}}) == []
    assert tables.row_conditions(pods, {"status": {"phase": "Failed"}})[0]["reason"] == "Failed"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-2, "<invalid>"),
        (-1, "0s"),
        (0.9, "0s"),
        (119, "119s"),
        (120, "2m"),
        (130, "2m10s"),
        (599, "9m59s"),
        (600, "10m"),
        (3 * 3600 - 1, "179m"),
        (3 * 3600, "3h"),
        (3 * 3600 + 60, "3h1m"),
        (8 * 3600, "8h"),
        (47 * 3600, "47h"),
        (2 * 86400, "2d"),
        (5 * 86400 + 3 * 3600, "5d3h"),
        (8 * 86400 + 3600, "8d"),
        (729 * 86400, "729d"),
        (2 * 365 * 86400, "2y"),
        (3 * 365 * 86400 + 5 * 86400, "3y5d"),
        (9 * 365 * 86400, "9y"),
    ],
)
def test_human(seconds, text):
    assert human(seconds) == text


def test_ages_of_nothing():
    assert since(None, NOW) == "<unknown>"
    assert since("yesterday", NOW) == "<unknown>"
