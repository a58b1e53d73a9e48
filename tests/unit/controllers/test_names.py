"""`--controllers`, as kube-controller-manager reads it."""

from __future__ import annotations

import pytest

from wherry.controllers.manager import CONTROLLERS
from wherry.controllers.names import UnknownController, selected, upstream_names


@pytest.mark.parametrize(
    ("flag", "off"),
    [
        ("*", set()),
        ("*,-job", {"job"}),
        ("-job,*", {"job"}),
        ("*,-job-controller,-endpoint", {"job", "endpoints"}),
        ("*,-job,job", set()),
        ("", set(CONTROLLERS)),
        ("deployment,replicaset-controller", set(CONTROLLERS) - {"deployment", "replicaset"}),
        ("-job", set(CONTROLLERS)),
    ],
)
def test_what_a_flag_leaves_on(flag: str, off: set[str]) -> None:
    assert set(CONTROLLERS) - set(selected(flag)) == off


def test_unknown_names_are_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownController, match=r"there is no controller 'jobs'; there are: .*job-controller"):
        selected("*,-jobs")


def test_every_controller_can_be_called_by_upstreams_name() -> None:
    ours = {own for own, name in upstream_names().items() if own == name}
    own = {"taint-eviction-controller", "local-provisioner", "default-storage-class"}
    assert ours <= own | {"kubelet-serving-approving-controller"}, f"give these their upstream names: {ours}"
