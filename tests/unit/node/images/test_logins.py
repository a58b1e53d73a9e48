"""Which entries of pull secrets are for an image."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from wherry.node.images.logins import logins_for, matches
from wherry.node.runtimes.port import Login


def secret(auths: dict[str, Any], kind: str = "dockerconfigjson") -> dict[str, Any]:
    document = {"auths": auths} if kind == "dockerconfigjson" else auths
    data = base64.b64encode(json.dumps(document).encode()).decode()
    return {"type": f"kubernetes.io/{kind}", "data": {f".{kind}": data}}


def auth(text: str) -> dict[str, str]:
    return {"auth": base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize(
    ("key", "image", "fits"),
    [
        ("r.test", "r.test/me/app", True),
        ("r.test/me", "r.test/me/app", True),
        ("r.test/you", "r.test/me/app", False),
        ("*.test", "r.test/me/app", True),
        ("*.test", "a.r.test/me/app", False),
        ("a*.r.test", "abc.r.test/app", True),
        ("r.test:5000", "r.test:5000/app", True),
        ("r.test", "r.test:5000/app", False),
    ],
)
def test_patterns(key: str, image: str, fits: bool) -> None:
    assert matches(key, image) is fits


def test_the_most_specific_entry_comes_first_and_other_registries_get_nothing() -> None:
    found = secret(
        {
            "r.test": auth("all:1"),
            "https://r.test/v2/me": {"username": "me", "password": "2"},
            "other.test": auth("other:3"),
        }
    )
    assert logins_for("r.test/me/app:1", [found]) == (Login("me", "2"), Login("all", "1"))
    assert logins_for("r.test/you/app", [found]) == (Login("all", "1"),)
    assert logins_for("third.test/app", [found]) == ()


@pytest.mark.parametrize("server", ["https://index.docker.io/v1/", "docker.io", "index.docker.io"])
def test_docker_hub_has_several_names(server: str) -> None:
    assert logins_for("nginx", [secret({server: auth("jane:pw:with:colons")})]) == (Login("jane", "pw:with:colons"),)


def test_the_older_form_and_what_is_no_login() -> None:
    assert logins_for("r.test/a", [secret({"r.test": auth("old:1")}, "dockercfg")]) == (Login("old", "1"),)
    broken = {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": "bm90IGpzb24="}}
    opaque = {"type": "Opaque", "data": secret({"r.test": auth("a:b")})["data"]}
    assert logins_for("r.test/a", [broken, opaque, secret({"r.test": {"auth": "!"}, "x": "y"})]) == ()


def test_a_password_is_not_shown() -> None:
    assert "hush" not in repr(Login("jane", "hush"))
