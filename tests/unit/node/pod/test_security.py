"""Security contexts merged."""

import pytest

from wherry.node.pod.security import SecurityProblem, effective
from wherry.node.runtimes.port import Image
from wherry.testing.pods import container, pod


def image(user=""):
    return Image(id="sha256:0", names=("i",), size_bytes=1, user=user)


def test_container_over_pod():
    own = {"runAsUser": 5, "capabilities": {"add": ["CAP_NET_ADMIN"], "drop": ["ALL"]}, "readOnlyRootFilesystem": True}
    app = container("a", securityContext=own)
    wanted = pod(app, securityContext={"runAsUser": 1, "runAsGroup": 2, "fsGroup": 3, "supplementalGroups": [4]})
    found = effective(wanted, app, image())
    assert (found.user, found.group, found.supplemental_groups) == ("5", 2, (4, 3))
    assert found.add_capabilities == ("NET_ADMIN",) and found.drop_capabilities == ("ALL",)
    assert found.read_only_root and not found.no_new_privileges


@pytest.mark.parametrize(
    ("user", "image_user", "message"),
    [
        (0, "", "container's runAsUser breaks non-root policy"),
        (None, "", "container has runAsNonRoot and image will run as root"),
        (None, "app", r"container has runAsNonRoot and image has non-numeric user \(app\), cannot verify"),
    ],
)
def test_non_root(user, image_user, message):
    app = container("a", securityContext={"runAsNonRoot": True, "runAsUser": user})
    with pytest.raises(SecurityProblem, match=message):
        effective(pod(app), app, image(image_user))


def test_non_root_with_a_number_is_fine():
    app = container("a", securityContext={"runAsNonRoot": True})
    assert effective(pod(app), app, image("1000:1000")).non_root
