"""Whose fields become whose when a client-side apply gives way to a server-side one."""

from __future__ import annotations

from typing import Any

from wherry.cli.applying.migration import owners, upgraded

NOTE = {"f:metadata": {"f:annotations": {"f:kubectl.kubernetes.io/last-applied-configuration": {}}}}


def entry(manager: str, operation: str, fields: Any, *, version: str = "v1", subresource: str = "") -> dict[str, Any]:
    made = {"manager": manager, "operation": operation, "apiVersion": version, "fieldsV1": fields}
    return {**made, "subresource": subresource} if subresource else made


def test_owners_are_those_of_the_annotation() -> None:
    entries = [entry("csa", "Update", NOTE), entry("other", "Update", {"f:data": {}}), entry("ssa", "Apply", NOTE)]
    assert owners(entries, "Update") == ["csa"]
    assert owners(entries, "Apply") == ["ssa"]


def test_an_only_client_side_manager_becomes_the_server_side_one() -> None:
    assert upgraded([entry("csa", "Update", NOTE)], "csa", "ssa") == [entry("ssa", "Apply", NOTE)]


def test_fields_are_united_into_the_server_side_manager() -> None:
    entries = [entry("ssa", "Apply", {"f:data": {"f:a": {}}}), entry("csa", "Update", {"f:data": {".": {}, "f:b": {}}})]
    assert upgraded(entries, "csa", "ssa") == [entry("ssa", "Apply", {"f:data": {".": {}, "f:a": {}, "f:b": {}}})]


def test_other_versions_are_dropped_and_subresources_stay() -> None:
    status = entry("csa", "Update", {"f:status": {}}, subresource="status")
    entries = [entry("ssa", "Apply", {"f:a": {}}), entry("csa", "Update", {"f:b": {}}, version="v2"), status]
    assert upgraded(entries, "csa", "ssa") == [entry("ssa", "Apply", {"f:a": {}}), status]


def test_nothing_to_do_changes_nothing() -> None:
    entries = [entry("someone", "Update", {"f:a": {}})]
    assert upgraded(entries, "csa", "ssa") == entries
