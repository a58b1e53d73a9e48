from __future__ import annotations

from wherry.api.types import Object
from wherry.controllers.owners import controller_index


def _pod(labels: dict[str, str], controller: str = "") -> Object:
    references = [{"uid": "someone"}, *([{"uid": controller, "controller": True}] if controller else [])]
    return {"metadata": {"namespace": "here", "name": "p", "labels": labels, "ownerReferences": references}}


def test_what_is_controlled_stands_only_with_its_controller() -> None:
    assert list(controller_index(_pod({"app": "a"}, "me"))) == ["me"]


def test_orphans_stand_with_their_namespace_and_each_of_their_labels() -> None:
    assert set(controller_index(_pod({"app": "a", "tier": "b"}))) == {
        "orphans/here",
        "orphans/here/app=a",
        "orphans/here/tier=b",
    }
