"""All of a pod's volumes together."""

import base64
import os

import pytest

from wherry.node.pod.fields import Identity
from wherry.node.volumes.context import Token, VolumeContext, VolumeProblem
from wherry.node.volumes.pod_volumes import PodVolumes, sub_path
from wherry.testing.pods import container, pod


class Objects:
    def __init__(self, **objects):
        self.objects = objects

    def find(self, resource, name):
        return self.objects.get(name)


OBJECTS = Objects(
    c={"kind": "ConfigMap", "data": {"k": "v", "l": "w"}, "binaryData": {"b": base64.b64encode(b"\xff").decode()}},
    s={"kind": "Secret", "data": {"p": base64.b64encode(b"word").decode()}},
)


class Clock:
    now = 1000.0


async def token(wanted, projection):
    return Token(f"token-{Clock.now:g}", Clock.now, Clock.now + int(projection["expirationSeconds"]))


async def set_up(root, *volumes, claims=None, **extra):
    wanted = pod(container("a", resources={"limits": {"cpu": "2"}}), volumes=list(volumes), **extra)
    wanted["metadata"]["labels"] = {"x": "y"}
    made = PodVolumes(root, token, lambda: Clock.now)

    def context(volume, directory, tokens):
        return VolumeContext(
            pod=wanted,
            volume=volume,
            directory=directory,
            lookup=OBJECTS,
            identity=Identity(pod_addresses=("10.1.1.1",)),
            tokens=tokens,
            claims=claims or {},
        )

    refresh_at = await made.set_up(wanted, context)
    return made, refresh_at, lambda: made.set_up(wanted, context)


def files(path):
    return {name: (path / name).read_bytes() for name in os.listdir(path) if not name.startswith("..")}


async def test_config_map(tmp_path):
    made, _, _ = await set_up(tmp_path, {"name": "v", "configMap": {"name": "c"}})
    assert files(made.paths["v"]) == {"k": b"v", "l": b"w", "b": b"\xff"}


async def test_items_and_modes(tmp_path):
    source = {"secretName": "s", "items": [{"key": "p", "path": "deep/pass", "mode": 0o400}]}
    made, _, _ = await set_up(tmp_path, {"name": "v", "secret": source})
    path = made.paths["v"] / "deep/pass"
    assert path.read_bytes() == b"word" and path.stat().st_mode & 0o777 == 0o400


async def test_missing(tmp_path):
    with pytest.raises(VolumeProblem, match=r'MountVolume.SetUp failed for volume "v" : configmap "no" not found'):
        await set_up(tmp_path, {"name": "v", "configMap": {"name": "no"}})
    with pytest.raises(VolumeProblem, match="references non-existent config key: no"):
        await set_up(tmp_path, {"name": "v", "configMap": {"name": "c", "items": [{"key": "no", "path": "x"}]}})
    made, _, _ = await set_up(tmp_path, {"name": "o", "configMap": {"name": "no", "optional": True}})
    assert files(made.paths["o"]) == {}


async def test_projected(tmp_path):
    Clock.now = 1000.0
    items = [
        {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
        {"path": "cpu", "resourceFieldRef": {"containerName": "a", "resource": "limits.cpu"}},
    ]
    sources = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}},
        {"configMap": {"name": "c", "items": [{"key": "k", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": items}},
    ]
    made, refresh_at, again = await set_up(tmp_path, {"name": "v", "projected": {"sources": sources}})
    wanted = {"token": b"token-1000", "ca.crt": b"v", "labels": b'x="y"', "cpu": b"2"}
    assert files(made.paths["v"]) == wanted and refresh_at == 1000 + 0.8 * 3600
    Clock.now = 2000.0
    await again()
    assert files(made.paths["v"])["token"] == b"token-1000"
    Clock.now = 3881.0
    assert await again() == 3881 + 0.8 * 3600
    assert files(made.paths["v"])["token"] == b"token-3881"


async def test_empty_dir_stays(tmp_path):
    made, _, again = await set_up(tmp_path, {"name": "v", "emptyDir": {}})
    (made.paths["v"] / "mine").write_text("x")
    await again()
    assert files(made.paths["v"]) == {"mine": b"x"} and made.paths["v"].stat().st_mode & 0o777 == 0o777


async def test_host_path(tmp_path):
    (tmp_path / "there").mkdir()
    made, _, _ = await set_up(tmp_path, {"name": "v", "hostPath": {"path": str(tmp_path / "there")}})
    assert made.paths["v"] == tmp_path / "there"
    await set_up(tmp_path, {"name": "v", "hostPath": {"path": str(tmp_path / "new"), "type": "DirectoryOrCreate"}})
    assert (tmp_path / "new").is_dir()
    wrong = {"path": str(tmp_path / "there"), "type": "File"}
    with pytest.raises(VolumeProblem, match=r"hostPath type check failed: .*there is not a file"):
        await set_up(tmp_path, {"name": "v", "hostPath": wrong})


CLAIMED = {"name": "v", "persistentVolumeClaim": {"claimName": "data"}}


def persistent(**spec):
    return {"v": {"metadata": {"name": "pv"}, "spec": {"accessModes": ["ReadWriteOnce"], **spec}}}


async def test_claims(tmp_path):
    made, _, _ = await set_up(tmp_path / "root", CLAIMED, claims=persistent(hostPath={"path": str(tmp_path)}))
    assert made.paths["v"] == tmp_path
    own = {"name": "v", "ephemeral": {"volumeClaimTemplate": {}}}
    made, _, _ = await set_up(tmp_path / "root", own, claims=persistent(local={"path": str(tmp_path)}))
    assert made.paths["v"] == tmp_path


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"local": {"path": "/no/such"}}, 'path "/no/such" does not exist'),
        ({"nfs": {"server": "a", "path": "/"}}, "volumes of kind nfs are not supported on this node"),
        ({"local": {"path": "/"}, "volumeMode": "Block"}, "raw block volumes are not supported on this node"),
    ],
)
async def test_volumes_that_cannot_be_used_here(tmp_path, spec, problem):
    with pytest.raises(VolumeProblem, match=problem):
        await set_up(tmp_path / "root", CLAIMED, claims=persistent(**spec))


@pytest.mark.root
@pytest.mark.parametrize(("policy", "group"), [("Always", 2000), ("OnRootMismatch", 0)])
async def test_a_group_gets_the_files_unless_the_root_is_its_own_already(tmp_path, policy, group):
    disk = tmp_path / "disk"
    disk.mkdir()
    disk.chmod(0o2770)
    os.chown(disk, -1, 2000)
    (disk / "file").write_text("old")
    os.chown(disk / "file", -1, 0)
    security = {"fsGroup": 2000, "fsGroupChangePolicy": policy}
    await set_up(tmp_path / "root", CLAIMED, claims=persistent(local={"path": str(disk)}), securityContext=security)
    assert (disk / "file").stat().st_gid == group


def test_sub_path(tmp_path):
    assert sub_path(tmp_path, "a/b").is_dir()
    (tmp_path / "out").symlink_to("/")
    for path in ("../x", "/x", "out/etc"):
        with pytest.raises(VolumeProblem):
            sub_path(tmp_path, path)
