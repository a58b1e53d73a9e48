"""Statuses on their way to the API."""

from wherry.node.status_writer import status_patch


def test_only_what_changed():
    known = {"phase": "Pending", "startTime": "t", "conditions": [{"type": "Ready", "status": "False", "reason": "r"}]}
    wanted = {"phase": "Running", "startTime": "t", "conditions": [{"type": "Ready", "status": "True"}]}
    assert status_patch(known, wanted, "u") == {
        "metadata": {"uid": "u"},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True", "reason": None}]},
    }


def test_nothing_to_say():
    known = {"phase": "Running", "message": "theirs", "conditions": [{"type": "x/y", "status": "True"}]}
    assert status_patch(known, {"phase": "Running", "conditions": []}, "u") is None


def test_addresses_are_replaced():
    patch = status_patch({"podIPs": [{"ip": "1"}]}, {"podIPs": [{"ip": "2"}]}, "u")
    assert patch["status"]["podIPs"] == [{"ip": "2"}, {"$patch": "replace"}]
    assert status_patch({}, {"podIPs": [{"ip": "2"}]}, "u")["status"]["podIPs"] == [{"ip": "2"}]
