"""What a container sees."""

import pytest

from wherry.node.volumes.context import VolumeProblem
from wherry.node.volumes.kinds import read_only
from wherry.node.volumes.mounts import PodFiles, of_container
from wherry.testing.pods import container


def test_mounts(tmp_path):
    app = container(
        "a",
        volumeMounts=[
            {"name": "v", "mountPath": "/data/deep", "readOnly": True, "mountPropagation": "HostToContainer"},
            {"name": "v", "mountPath": "/data", "subPathExpr": "$(NAME)"},
            {"name": "v", "mountPath": "/etc/hosts"},
        ],
    )
    files = PodFiles(hosts=tmp_path / "h", resolver=tmp_path / "r")
    found = of_container(app, {"v": tmp_path}, {"NAME": "x"}, files, tmp_path / "t")
    by_target = {mount.target: mount for mount in found}
    assert by_target["/data"].source == str(tmp_path / "x")
    assert by_target["/data/deep"].read_only and by_target["/data/deep"].propagation == "rslave"
    assert by_target["/etc/hosts"].source == str(tmp_path)
    assert found.index(by_target["/data"]) < found.index(by_target["/data/deep"])


def test_data_of_the_api_is_read_only(tmp_path):
    assert read_only({"name": "v", "configMap": {}}) and read_only({"name": "v", "projected": {}})
    assert not read_only({"name": "v", "emptyDir": {}}) and not read_only({"name": "v"})
    app = container("a", volumeMounts=[{"name": "v", "mountPath": "/v"}])
    (mount,) = of_container(app, {"v": tmp_path}, {}, PodFiles(), None, {"v"})
    assert mount.read_only


def test_unknown_volume():
    with pytest.raises(VolumeProblem):
        of_container(container("a", volumeMounts=[{"name": "no", "mountPath": "/x"}]), {}, {}, PodFiles(), None)
