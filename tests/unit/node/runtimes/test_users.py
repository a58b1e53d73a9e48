"""Who a container's process is."""

from __future__ import annotations

from pathlib import Path

import pytest

from wherry.node.runtimes.port import CreateFailed
from wherry.node.runtimes.users import User, UserDatabase, resolve_user

DATABASE = UserDatabase.parse(
    "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:App:/home/app:/bin/sh\nbroken line\n",
    "root:x:0:\nstaff:x:50:app,other\nextra:x:60:app\nbad:x:y:\n",
)


@pytest.mark.parametrize(
    ("text", "user"),
    [
        ("", User(uid=0, gid=0, groups=(0,), home="/root")),
        ("app", User(uid=1000, gid=1001, groups=(1001, 50, 60), home="/home/app")),
        ("1000", User(uid=1000, gid=1001, groups=(1001, 50, 60), home="/home/app")),
        ("4242", User(uid=4242, gid=0, groups=(0,), home="/")),
        ("app:staff", User(uid=1000, gid=50, groups=(50,), home="/home/app")),
        ("4242:77", User(uid=4242, gid=77, groups=(77,), home="/")),
    ],
)
def test_what_images_say(text: str, user: User) -> None:
    assert resolve_user(text, None, (), DATABASE) == user


def test_what_pods_say() -> None:
    user = resolve_user("app", 7, (8, 50), DATABASE)
    assert (user.gid, user.groups) == (7, (7, 50, 60, 8))


@pytest.mark.parametrize("text", ["nobody", "app:nogroup"])
def test_unknown_names(text: str) -> None:
    with pytest.raises(CreateFailed, match="no matching entries"):
        resolve_user(text, None, (), DATABASE)


def test_files_are_not_read_through_links_that_lead_out(tmp_path: Path) -> None:
    (tmp_path / "image" / "etc").mkdir(parents=True)
    (tmp_path / "outside").write_text("app:x:1:1::/:/bin/sh\n")
    (tmp_path / "image" / "etc" / "passwd").symlink_to(tmp_path / "outside")
    assert UserDatabase.of_directory(tmp_path / "image") == UserDatabase()
