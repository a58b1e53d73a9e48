"""Pods whose images are not for everybody."""

from wherry.node.runtimes.port import Login
from wherry.testing.pods import container, pod

AUTHS = '{"auths":{"r.test":{"username":"wrong","password":"1"},"r.test/me":{"username":"jane","password":"2"}}}'
JANE = Login("jane", "2")


def private(**fields):
    return pod(container("a", image="r.test/me/app:1"), imagePullSecrets=[{"name": "login"}], **fields)


async def make_secret(node, auths=AUTHS):
    body = {
        "metadata": {"name": "login"},
        "type": "kubernetes.io/dockerconfigjson",
        "stringData": {".dockerconfigjson": auths},
    }
    await node.client.create("secrets", body, namespace="default")


async def test_the_secrets_of_the_pod_are_shown_to_the_registry(node):
    node.images.private["r.test/me/app:1"] = JANE
    await make_secret(node)
    assert (await node.run_pod(private()))["status"]["phase"] == "Running"
    assert node.images.logins == [("r.test/me/app:1", JANE)]


async def test_every_login_is_tried(node):
    await make_secret(node, AUTHS.replace('"jane"', '"nobody"'))
    node.images.private["r.test/me/app:1"] = Login("wrong", "1")
    assert (await node.run_pod(private()))["status"]["phase"] == "Running"
    assert [login.user for _, login in node.images.logins] == ["nobody", "wrong"]


async def test_a_secret_that_is_missing_is_told_and_counts_once_it_is_there(node):
    node.images.private["r.test/me/app:1"] = JANE
    await node.run_pod(private())
    assert await node.events("FailedToRetrieveImagePullSecret") == [
        "Unable to retrieve some image pull secrets (login); attempting to pull the image may not succeed."
    ]
    assert (await node.container())["state"]["waiting"]["reason"] == "ErrImagePull"
    await make_secret(node)
    await node.clock.advance(15)
    assert "running" in (await node.container())["state"]
